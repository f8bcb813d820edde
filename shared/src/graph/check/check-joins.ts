import type { JoinMode, PipelineNode } from '../../documents/pipeline.ts';
import type { CheckedGraph } from './graph-context.ts';

const always: readonly JoinMode[] = ['inner', 'any', 'outer'];

/** Joins that a node can work with: one that needs all of several inputs would fail with some of them. */
export function checkJoins(checked: CheckedGraph): void {
  for (const [name, node] of Object.entries(checked.graph.nodes)) {
    if (!('join' in node)) continue;
    if (node.joinWindowMs !== undefined && node.join !== 'outer') {
      const message = `joinWindowMs means something with "join: outer" alone, ${name} has "${node.join}"`;
      checked.report({ code: 'invalid-join', field: `nodes.${name}.joinWindowMs`, message, hint: 'remove it, or set "join: outer"' });
    }
    const allowed = joinsOf(checked, name, node);
    if (allowed.includes(node.join)) continue;
    const message = `with "join: ${node.join}" ${name} would run with some of its inputs, and it needs all of them`;
    const hint = `remove \`join\`, or merge branches before it with flow.merge`;
    checked.report({ code: 'invalid-join', field: `nodes.${name}.join`, message, hint });
  }
}

function joinsOf({ context, ports }: CheckedGraph, name: string, node: PipelineNode): readonly JoinMode[] {
  const known = ports.get(name);
  if (known === undefined || 'script' in node || 'pipeline' in node) return always;
  const joins = 'op' in node ? context.operators.get(node.op)?.joins : undefined;
  const needed = [...known.inputs.keys()].filter((port) => !known.mayStayAway.has(port) && !known.own.has(port));
  return joins ?? (needed.length > 1 ? ['inner'] : always);
}
