import type { Pipeline } from '@starling/shared';
import { useId } from 'react';
import classes from './graph-drawing.module.css';
import { layOut, type PlacedEdge, type PlacedNode } from './graph-layout.ts';

const NODE = { width: 148, height: 52 };
const STEP = { x: 196, y: 84 };
const MARGIN = 12;

/** The graph of a pipeline from left to right. The table of edges says the same in words. */
export function GraphDrawing({ pipeline }: { pipeline: Pipeline }) {
  const titleId = useId();
  const { nodes, edges, columns, rows } = layOut(pipeline);
  const width = (columns - 1) * STEP.x + NODE.width + 2 * MARGIN;
  const height = (rows - 1) * STEP.y + NODE.height + 2 * MARGIN + 8;
  const place = new Map(nodes.map((node) => [node.id, node]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
    <section className={classes.scroll} tabIndex={0} aria-label="Drawing of the graph">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-labelledby={titleId}>
        <title id={titleId}>
          {`Graph of ${pipeline.name} with ${Object.keys(pipeline.nodes).length} nodes and ${edges.length} edges, listed below`}
        </title>
        {edges.map((edge) => (
          <Edge
            key={`${edge.from}.${edge.fromPort} ${edge.to}.${edge.toPort}`}
            edge={edge}
            from={place.get(edge.from)}
            to={place.get(edge.to)}
          />
        ))}
        {nodes.map((node) => (
          <Node key={node.id} node={node} />
        ))}
      </svg>
    </section>
  );
}

function cornerOf({ column, row }: PlacedNode): { x: number; y: number } {
  return { x: MARGIN + column * STEP.x, y: MARGIN + row * STEP.y };
}

function Node({ node }: { node: PlacedNode }) {
  const { x, y } = cornerOf(node);
  return (
    <g className={classes.node} data-kind={node.kind} transform={`translate(${x} ${y})`}>
      {node.isEach && <rect x={5} y={5} width={NODE.width} height={NODE.height} rx={12} />}
      <rect width={NODE.width} height={NODE.height} rx={12} />
      <text x={12} y={22} className={classes.name}>
        {shorten(node.id, 18)}
      </text>
      <text x={12} y={39} className={classes.what}>
        {shorten(node.what, 21)}
      </text>
      <title>{`${node.id}: ${node.what}${node.isEach ? ', once for each item' : ''}`}</title>
    </g>
  );
}

function Edge({ edge, from, to }: { edge: PlacedEdge; from: PlacedNode | undefined; to: PlacedNode | undefined }) {
  if (from === undefined || to === undefined) return null;
  const start = cornerOf(from);
  const end = cornerOf(to);
  const [x1, y1] = [start.x + NODE.width, start.y + NODE.height / 2];
  const [x2, y2] = [end.x - 3, end.y + NODE.height / 2];
  const bend = Math.max(26, (x2 - x1) / 2);
  // An edge over more than one column would run behind the nodes of its row: it swings below them.
  const isLong = to.column - from.column > 1 && from.row === to.row;
  const low = isLong ? NODE.height / 2 + 22 : 0;
  const path = isLong
    ? `M${x1} ${y1} C${x1 + 34} ${y1} ${x1 + 10} ${y1 + low} ${x1 + 48} ${y1 + low} H${x2 - 48} C${x2 - 10} ${y1 + low} ${x2 - 34} ${y2} ${x2} ${y2}`
    : `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return (
    <g className={classes.edge}>
      <path d={path} />
      <circle cx={x2} cy={y2} r={3.5} />
      <title>{`${edge.from}.${edge.fromPort} to ${edge.to}.${edge.toPort}`}</title>
    </g>
  );
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
