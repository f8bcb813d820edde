import { Table, type TableProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { Sideways } from './sideways.tsx';
import classes from './wide-table.module.css';

interface WideTableProps extends TableProps {
  label: string;
  children: ReactNode;
  /** On a phone each row stands as a list of its cells, under their `data-title`: nothing is read sideways. */
  stacks?: boolean;
}

/** A table that scrolls sideways inside itself where the page is narrower; the keyboard reaches it there. */
export function WideTable({ label, children, stacks = false, ...props }: WideTableProps) {
  const look = stacks ? `${classes.scroller} ${classes.stacks}` : classes.scroller;
  return (
    <Sideways withWords>
      {(scroller) => (
        // A group and no landmark: the panel around it is one already, often of the same name.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
        <div ref={scroller} role="group" aria-label={label} tabIndex={0} className={look}>
          <Table verticalSpacing="xs" horizontalSpacing="md" {...props}>
            {children}
          </Table>
        </div>
      )}
    </Sideways>
  );
}
