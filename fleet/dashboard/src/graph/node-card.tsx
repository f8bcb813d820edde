import { IconAlertTriangle, IconArrowsDiagonal } from '@tabler/icons-react';
import { Handle, type NodeProps, Position } from '@xyflow/react';
import type { DrawnPort } from './drawn-graph.ts';
import { type CardData, inputHandle, outputHandle, TRIGGER_HANDLE } from './flow-elements.ts';
import classes from './node-card.module.css';
import { typeText } from './node-ports.ts';
import { kindWords } from './node-words.ts';

type CardProps = NodeProps & { data: CardData };

/** A node: its ports above and below, between them its name and what it is. Everything it shows stands in its label too. */
export function NodeCard({ data, selected, isConnectable }: CardProps) {
  const { figure, hasFigures, problems, onToggle } = data;
  const { id, kind, what, inputs, outputs, badges, isEach } = data.node;
  return (
    <div
      className={classes.card}
      data-kind={kind}
      data-each={isEach || undefined}
      data-selected={selected || undefined}
      data-problem={problems.length > 0 || undefined}
      data-failing={figure?.isFailing || undefined}
      title={problems.length > 0 ? problems.join('\n') : undefined}
    >
      {data.isTriggered && (
        <Handle id={TRIGGER_HANDLE} type="target" position={Position.Left} isConnectable={false} className={classes.trigger ?? ''} />
      )}
      {inputs.length > 0 && <PortRow ports={inputs} side="in" isConnectable={isConnectable && data.isEdited} />}
      <div className={classes.head}>
        <div className={classes.title}>
          <span className={classes.name}>{id.split('/').at(-1)}</span>
          {problems.length > 0 && <IconAlertTriangle size={14} className={classes.warning} aria-hidden />}
          <span className={classes.kind}>{kindWords[kind]}</span>
          {onToggle !== undefined && (
            <button
              type="button"
              className={`${classes.open} nodrag nopan`}
              onClick={onToggle}
              aria-label={`Open ${id}`}
              tabIndex={selected ? 0 : -1}
            >
              <IconArrowsDiagonal size={13} aria-hidden />
            </button>
          )}
        </div>
        {kind !== 'input' && kind !== 'output' && <div className={classes.what}>{what}</div>}
      </div>
      {badges.length > 0 && (
        <div className={classes.badges}>
          {badges.map(({ text, words }) => (
            <span key={text} title={words}>
              {text}
            </span>
          ))}
        </div>
      )}
      {hasFigures && (
        <div className={classes.figures}>
          <span className={classes.share} style={{ width: `${Math.round((figure?.share ?? 0) * 100)}%` }} />
          {figure === undefined ? <span className={classes.none}>–</span> : <span>{figure.text}</span>}
        </div>
      )}
      {outputs.length > 0 && <PortRow ports={outputs} side="out" isConnectable={isConnectable && data.isEdited} />}
    </div>
  );
}

function PortRow({ ports, side, isConnectable }: { ports: readonly DrawnPort[]; side: 'in' | 'out'; isConnectable: boolean }) {
  return (
    <div className={classes.ports} data-side={side}>
      {ports.map(({ name, type, isOptional }) => (
        <span
          key={name}
          className={classes.port}
          title={`${name}: ${typeText(type)}${isOptional ? ', optional' : ''}`}
          data-optional={isOptional || undefined}
        >
          <Handle
            id={side === 'in' ? inputHandle(name) : outputHandle(name)}
            type={side === 'in' ? 'target' : 'source'}
            position={side === 'in' ? Position.Top : Position.Bottom}
            isConnectable={isConnectable}
            className={classes.handle ?? ''}
            data-type={type?.kind === 'list' ? type.item.kind : type?.kind}
          />
          <span className={classes.portName}>{name}</span>
        </span>
      ))}
    </div>
  );
}
