import { StarlingError } from '@starling/shared';
import type { NodeProto } from './proto.ts';
import { capturesOf, subgraphsOf } from './subgraphs.ts';

/** Values that a node needs, those of its subgraphs included. */
export function needsOf(node: NodeProto): Iterable<string> {
  return subgraphsOf(node).length === 0 ? node.input : [...node.input, ...capturesOf(node)];
}

/**
 * Each node after those whose results it needs; nodes that stand right already keep their order. Linear, without recursion.
 * @throws StarlingError `cyclic-graph`
 */
export function sortNodes(nodes: Iterable<NodeProto>): NodeProto[] {
  const all = [...nodes];
  const producers = new Map<string, NodeProto>();
  for (const node of all) for (const name of node.output) if (name !== '') producers.set(name, node);
  const sorted: NodeProto[] = [];
  const state = new Map<NodeProto, 'open' | 'done'>();
  for (const start of all) {
    if (state.has(start)) continue;
    state.set(start, 'open');
    const path = [{ node: start, needs: needsOf(start)[Symbol.iterator]() }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.needs.next();
      if (next.done === true) {
        state.set(top.node, 'done');
        sorted.push(top.node);
        path.pop();
        continue;
      }
      const producer = producers.get(next.value);
      if (producer === undefined || state.get(producer) === 'done') continue;
      if (state.get(producer) === 'open') throw cyclic(path.map(({ node }) => node).slice(path.findIndex(({ node }) => node === producer)));
      state.set(producer, 'open');
      path.push({ node: producer, needs: needsOf(producer)[Symbol.iterator]() });
    }
  }
  return sorted;
}

/** Nodes that a message names. */
const NAMED_MAXIMUM = 5;

function cyclic(circle: readonly NodeProto[]): StarlingError {
  const names = circle.slice(0, NAMED_MAXIMUM).map(describeNode);
  const rest = circle.length > NAMED_MAXIMUM ? ` and ${circle.length - NAMED_MAXIMUM} more` : '';
  return new StarlingError('cyclic-graph', `nodes need each other's results: ${names.join(', ')}${rest}`, {
    field: `model.graph.node.${describeNode(circle[0] as NodeProto)}`,
    hint: 'a graph may have no circle: use Loop or Scan for what repeats',
  });
}

/** A node for people: its name, or what it makes. */
export function describeNode(node: NodeProto): string {
  return node.name !== undefined && node.name !== '' ? node.name : `${node.opType}(${node.output[0] ?? ''})`;
}
