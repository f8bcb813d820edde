import { BaseEdge, EdgeLabelRenderer, type EdgeProps } from '@xyflow/react';
import { useState } from 'react';
import type { DrawnEdge } from './drawn-graph.ts';
import classes from './edge-line.module.css';
import { detailsOfEdge, type LineData } from './flow-elements.ts';
import { squarePath } from './fold-graph.ts';
import { type Point, pathThrough } from './place-graph.ts';

type LineProps = EdgeProps & { data: LineData };

/** A line beside the nodes that it passes. It says what flows on it when one points at it or chooses it; live figures always. */
export function EdgeLine({ sourceX, sourceY, targetX, targetY, selected, data, interactionWidth }: LineProps) {
  const [isPointedAt, setPointedAt] = useState(false);
  const { edge } = data;
  const [start, end] = [
    { x: sourceX, y: sourceY },
    { x: targetX, y: targetY },
  ];
  const points = [start, ...data.way, end];
  const middle = middleOf(points);
  const isShown = isPointedAt || selected === true;
  return (
    <g
      className={classes.line}
      data-kind={edge.kind}
      data-cut={edge.cut !== undefined || undefined}
      data-selected={selected || undefined}
      data-pointed={isPointedAt || undefined}
      data-problem={data.problems.length > 0 || undefined}
      data-tone={data.figure?.tone}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
    >
      <BaseEdge
        path={data.isSquare && data.way.length > 0 ? squarePath(start, data.way, end) : pathThrough(points)}
        interactionWidth={interactionWidth ?? 20}
      />
      {(isShown || data.figure !== undefined || edge.queue !== undefined || edge.monitors.length > 0 || edge.cut !== undefined) && (
        <EdgeLabelRenderer>
          <div
            className={classes.label}
            data-open={isShown || undefined}
            data-tone={data.problems.length > 0 ? 'bad' : data.figure?.tone}
            style={{ transform: `translate(-50%, -50%) translate(${middle.x}px, ${middle.y}px)` }}
            aria-hidden
          >
            {isShown ? <OpenLabel data={data} /> : (data.figure?.text ?? <ShortLabel edge={edge} />)}
          </div>
        </EdgeLabelRenderer>
      )}
    </g>
  );
}

function OpenLabel({ data }: { data: LineData }) {
  const { edge } = data;
  return (
    <>
      <strong>{edge.kind === 'trigger' ? `${edge.fromPort} triggers ${edge.to}` : `${edge.fromPort} → ${edge.toPort}`}</strong>
      {detailsOfEdge(edge).map((each) => (
        <span key={each}>{each}</span>
      ))}
      {data.figure !== undefined && <span>{data.figure.words}</span>}
      {data.problems.map((problem) => (
        <span key={problem} className={classes.problem}>
          {problem}
        </span>
      ))}
    </>
  );
}

function ShortLabel({ edge: { queue, monitors, cut } }: { edge: DrawnEdge }) {
  return (
    <span>
      {cut !== undefined && `⇄ ${cut.to}`}
      {cut !== undefined && (queue !== undefined || monitors.length > 0) && ' · '}
      {queue !== undefined && `${queue.length} ${queue.policy}`}
      {queue !== undefined && monitors.length > 0 && ' · '}
      {monitors.length > 0 && '◉'}
    </span>
  );
}

/** The point in the middle of the way, where a label stands on the line. */
function middleOf(points: readonly Point[]): Point {
  const half = (points.length - 1) / 2;
  const [before, after] = [points[Math.floor(half)], points[Math.ceil(half)]];
  if (before === undefined || after === undefined) return { x: 0, y: 0 };
  return { x: (before.x + after.x) / 2, y: (before.y + after.y) / 2 };
}
