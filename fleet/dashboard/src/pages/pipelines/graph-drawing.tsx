import type { Pipeline } from '@starling/shared';
import { useId } from 'react';
import classes from './graph-drawing.module.css';
import { layOut, type PlacedEdge, type PlacedNode } from './graph-layout.ts';

const NODE = { width: 190, height: 50 };
const STEP = { x: 226, y: 84 };
const MARGIN = 12;
const LANE = { first: 26, step: 20 };
const ROUND = 10;

/** The graph of a pipeline from top to bottom. The table of edges says the same in words. */
export function GraphDrawing({ pipeline }: { pipeline: Pipeline }) {
  const titleId = useId();
  const { nodes, edges, layers, places, lanes } = layOut(pipeline);
  const nodesWidth = (places - 1) * STEP.x + NODE.width + 2 * MARGIN;
  const width = nodesWidth + (lanes === 0 ? 0 : LANE.first + lanes * LANE.step);
  const height = (layers - 1) * STEP.y + NODE.height + 2 * MARGIN;
  const place = new Map(nodes.map((node) => [node.id, node]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
    <section className={classes.scroll} tabIndex={0} aria-label="Drawing of the graph">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-labelledby={titleId}>
        <title id={titleId}>
          {`Graph of ${pipeline.name} with ${Object.keys(pipeline.nodes).length} nodes and ${edges.length} edges, listed on this page`}
        </title>
        {edges.map((edge) => (
          <Edge
            key={`${edge.from}.${edge.fromPort} ${edge.to}.${edge.toPort}`}
            edge={edge}
            from={place.get(edge.from)}
            to={place.get(edge.to)}
            lanesX={nodesWidth - MARGIN + LANE.first}
          />
        ))}
        {nodes.map((node) => (
          <Node key={node.id} node={node} />
        ))}
      </svg>
    </section>
  );
}

function cornerOf({ layer, place }: PlacedNode): { x: number; y: number } {
  return { x: MARGIN + place * STEP.x, y: MARGIN + layer * STEP.y };
}

function Node({ node }: { node: PlacedNode }) {
  const { x, y } = cornerOf(node);
  return (
    <g className={classes.node} data-kind={node.kind} transform={`translate(${x} ${y})`}>
      {node.isEach && <rect x={5} y={5} width={NODE.width} height={NODE.height} rx={12} />}
      <rect width={NODE.width} height={NODE.height} rx={12} />
      <text x={14} y={21} className={classes.name}>
        {shorten(node.id, 22)}
      </text>
      <text x={14} y={38} className={classes.what}>
        {shorten(node.what, 26)}
      </text>
      <title>{`${node.id}: ${node.what}${node.isEach ? ', once for each item' : ''}`}</title>
    </g>
  );
}

interface EdgeProps {
  edge: PlacedEdge;
  from: PlacedNode | undefined;
  to: PlacedNode | undefined;
  /** Where the first lane runs. */
  lanesX: number;
}

function Edge({ edge, from, to, lanesX }: EdgeProps) {
  if (from === undefined || to === undefined) return null;
  const drawn =
    edge.lane === undefined ? straight(cornerOf(from), cornerOf(to)) : aside(cornerOf(from), cornerOf(to), lanesX + edge.lane * LANE.step);
  return (
    <g className={classes.edge}>
      <path d={drawn.path} />
      <circle cx={drawn.x} cy={drawn.y} r={3.5} />
      <title>{`${edge.from}.${edge.fromPort} to ${edge.to}.${edge.toPort}`}</title>
    </g>
  );
}

interface Corner {
  x: number;
  y: number;
}

function straight(from: Corner, to: Corner): Corner & { path: string } {
  const [x1, y1] = [from.x + NODE.width / 2, from.y + NODE.height];
  const [x, y] = [to.x + NODE.width / 2, to.y - 4];
  const middle = (y1 + y) / 2;
  return { x, y, path: `M${x1} ${y1} C${x1} ${middle} ${x} ${middle} ${x} ${y}` };
}

/** Out at the right side, down the lane, and back in: never behind a node of the own column. */
function aside(from: Corner, to: Corner, laneX: number): Corner & { path: string } {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height * 0.62];
  const [x, y] = [to.x + NODE.width + 4, to.y + NODE.height * 0.38];
  const turnIn = `H${laneX - ROUND} Q${laneX} ${y1} ${laneX} ${y1 + ROUND}`;
  const turnOut = `V${y - ROUND} Q${laneX} ${y} ${laneX - ROUND} ${y} H${x}`;
  return { x, y, path: `M${x1} ${y1} ${turnIn} ${turnOut}` };
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
