import { IconArrowsMinimize } from '@tabler/icons-react';
import type { NodeProps } from '@xyflow/react';
import type { GroupData } from './flow-elements.ts';
import classes from './node-card.module.css';

/** The room of an inner pipeline that is drawn open. */
export function GroupBox({ data: { id, name, onToggle } }: NodeProps & { data: GroupData }) {
  return (
    <div className={classes.group}>
      <span className={classes.groupName}>
        {id} · {name}
        {onToggle !== undefined && (
          <button type="button" className={`${classes.open} nodrag nopan`} onClick={onToggle} aria-label={`Close ${id}`}>
            <IconArrowsMinimize size={13} aria-hidden />
          </button>
        )}
      </span>
    </div>
  );
}
