import type { Pipeline } from '@starling/shared';

export interface PlacedNode {
  id: string;
  /** What it is: an operator, a model, or a side of the pipeline. */
  what: string;
  kind: 'operator' | 'model' | 'side';
  isEach: boolean;
  /** Column from the left, row from the top, in units of nodes. */
  column: number;
  row: number;
}

export interface PlacedEdge {
  from: string;
  to: string;
  fromPort: string;
  toPort: string;
}

export interface GraphLayout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  columns: number;
  rows: number;
}

/**
 * Columns by the longest way from the input, so that every edge points right; rows near the mean of what feeds a node, so that lines
 * cross little. Pipelines were checked to be free of cycles when they were made.
 */
export function layOut({ nodes, edges }: Pick<Pipeline, 'nodes' | 'edges'>): GraphLayout {
  const links = edges.map(toEdge);
  const ids = [...new Set(['input', ...Object.keys(nodes), 'output'])];
  const columnOf = longestWays(ids, links);
  const deepest = Math.max(...columnOf.values());
  columnOf.set('output', Math.max(deepest, columnOf.get('output') ?? 0));
  const rowOf = new Map<string, number>();
  for (let column = 0; column <= deepest; column += 1) {
    const wished = ids
      .filter((id) => columnOf.get(id) === column)
      .map((id) => ({ id, wish: meanRow(id, links, rowOf) }))
      .toSorted((a, b) => a.wish - b.wish);
    let free = 0;
    for (const { id, wish } of wished) {
      const row = Math.max(free, Math.round(wish));
      rowOf.set(id, row);
      free = row + 1;
    }
  }
  const placed = ids.map((id): PlacedNode => ({ id, ...describe(id, nodes), column: columnOf.get(id) ?? 0, row: rowOf.get(id) ?? 0 }));
  return { nodes: placed, edges: links, columns: deepest + 1, rows: Math.max(...rowOf.values()) + 1 };
}

function describe(id: string, nodes: Pipeline['nodes']): Pick<PlacedNode, 'what' | 'kind' | 'isEach'> {
  const node = nodes[id];
  if (node === undefined) return { what: id === 'input' ? 'what comes in' : 'what goes out', kind: 'side', isEach: false };
  return 'model' in node ? { what: node.model, kind: 'model', isEach: node.each } : { what: node.op, kind: 'operator', isEach: node.each };
}

function longestWays(ids: readonly string[], links: readonly PlacedEdge[]): Map<string, number> {
  const columnOf = new Map(ids.map((id) => [id, 0]));
  // Without a cycle no way is longer than there are nodes, so this many passes settle all of them.
  for (let pass = 0; pass < ids.length; pass += 1) {
    for (const { from, to } of links) columnOf.set(to, Math.max(columnOf.get(to) ?? 0, (columnOf.get(from) ?? 0) + 1));
  }
  return new Map([...columnOf].map(([id, column]) => [id, Math.min(column, ids.length)]));
}

function meanRow(id: string, links: readonly PlacedEdge[], rowOf: ReadonlyMap<string, number>): number {
  const rows = links.filter(({ to }) => to === id).map(({ from }) => rowOf.get(from) ?? 0);
  return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + row, 0) / rows.length;
}

function toEdge({ from, to }: { from: string; to: string }): PlacedEdge {
  const [fromNode, fromPort] = split(from);
  const [toNode, toPort] = split(to);
  return { from: fromNode, to: toNode, fromPort, toPort };
}

function split(reference: string): [node: string, port: string] {
  const dot = reference.indexOf('.');
  return [reference.slice(0, dot), reference.slice(dot + 1)];
}
