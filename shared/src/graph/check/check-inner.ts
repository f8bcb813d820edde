import type { Edge, InnerPipeline, Pipeline, PipelineNode } from '../../documents/pipeline.ts';
import { EXPANDED_NODES_MAXIMUM } from '../../limits.ts';
import { isPlain } from '../expand.ts';
import type { GraphProblem } from '../problem.ts';
import { orderNodes } from '../topology.ts';

type Inner = Readonly<Record<string, InnerPipeline>>;
interface Around {
  nodes: Readonly<Record<string, PipelineNode>>;
  edges: readonly Edge[];
}

/** What can be said of pipelines inside others only from outside: circles, size, what nobody uses, what must not be in them. */
export function checkInnerPipelines(pipeline: Pipeline): GraphProblem[] {
  const { pipelines } = pipeline;
  const problems = recursionsOf(pipelines);
  if (problems.length === 0) {
    const size = expandedSize(pipeline, pipelines, new Map());
    if (size > EXPANDED_NODES_MAXIMUM) {
      const message = `with all inner pipelines spread out it has ${size} nodes, at most ${EXPANDED_NODES_MAXIMUM} are taken`;
      const hint = 'use fewer nodes, or run an inner pipeline over a list with `each: true` instead of naming it many times';
      problems.push({ code: 'too-large', field: 'pipelines', message, hint });
    }
  }
  const used = usedPipelines(pipeline, pipelines);
  for (const name of Object.keys(pipelines)) {
    if (used.has(name)) continue;
    const message = `no node uses the pipeline "${name}"`;
    problems.push({ code: 'unused-pipeline', field: `pipelines.${name}`, message, hint: 'name it in a node, or remove it' });
  }
  const asWhole = [...usesAsWhole(pipeline), ...[...used].flatMap((name) => usesAsWhole(pipelines[name] ?? { nodes: {}, edges: [] }))];
  return [...problems, ...checkWholes(asWhole, pipelines), ...checkCircles(pipeline, ''), ...checkAllCircles(pipelines)];
}

function innerNamesOf({ nodes }: Pick<Around, 'nodes'>): [node: string, pipeline: string][] {
  return Object.entries(nodes).flatMap(([name, node]): [string, string][] => ('pipeline' in node ? [[name, node.pipeline]] : []));
}

function ownPipeline(pipelines: Inner, name: string): InnerPipeline | undefined {
  return Object.hasOwn(pipelines, name) ? pipelines[name] : undefined;
}

function recursionsOf(pipelines: Inner): GraphProblem[] {
  const reaches = (from: string, target: string, seen: Set<string>): boolean => {
    if (seen.has(from)) return false;
    seen.add(from);
    const inner = ownPipeline(pipelines, from);
    return inner !== undefined && innerNamesOf(inner).some(([, next]) => next === target || reaches(next, target, seen));
  };
  return Object.entries(pipelines).flatMap(([name, inner]) =>
    innerNamesOf(inner)
      .filter(([, next]) => next === name || reaches(next, name, new Set()))
      .map(([node, next]): GraphProblem => {
        const message = next === name ? `"${name}" contains itself` : `"${name}" contains itself, by way of "${next}"`;
        const hint = `name another pipeline at ${node}, or remove it: what comes back with the next item goes through a flow.delay`;
        return { code: 'recursive-pipeline', field: `pipelines.${name}.nodes.${node}.pipeline`, message, hint };
      }),
  );
}

function expandedSize(graph: Pick<Around, 'nodes'>, pipelines: Inner, known: Map<string, number>): number {
  let size = 0;
  for (const node of Object.values(graph.nodes)) {
    const inner = 'pipeline' in node ? ownPipeline(pipelines, node.pipeline) : undefined;
    if (inner === undefined || !('pipeline' in node)) {
      size += 1;
      continue;
    }
    const inside = known.get(node.pipeline) ?? expandedSize(inner, pipelines, known);
    known.set(node.pipeline, inside);
    size += inside;
  }
  return size;
}

function usedPipelines(pipeline: Around, pipelines: Inner): Set<string> {
  const used = new Set<string>();
  const open = innerNamesOf(pipeline).map(([, name]) => name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const inner = used.has(name) ? undefined : ownPipeline(pipelines, name);
    if (inner === undefined) continue;
    used.add(name);
    open.push(...innerNamesOf(inner).map(([, next]) => next));
  }
  return used;
}

/** Pipelines that a node runs as a whole, and where. */
function usesAsWhole({ nodes, edges }: Around): { pipeline: string; on: string }[] {
  return Object.entries(nodes).flatMap(([name, node]) =>
    'pipeline' in node && !isPlain(node, edges, name) ? [{ pipeline: node.pipeline, on: node.on }] : [],
  );
}

/** What runs as a whole for one item has no streams of its own, and is at one place. */
function checkWholes(uses: readonly { pipeline: string; on: string }[], pipelines: Inner): GraphProblem[] {
  const problems = new Map<string, GraphProblem>();
  const visit = (name: string, on: string, path: readonly string[]): void => {
    const inner = ownPipeline(pipelines, name);
    if (inner === undefined || path.includes(name)) return;
    for (const [own, node] of Object.entries(inner.nodes)) {
      const at = `pipelines.${name}.nodes.${own}`;
      if ('source' in node || 'sink' in node) {
        const message = `${own} is a ${'source' in node ? 'source' : 'sink'}, in a pipeline that a node runs as a whole (each, retry, timeoutMs, ...)`;
        problems.set(at, { code: 'invalid-placement', field: at, message, hint: 'move it out of the inner pipeline' });
      } else if (node.on !== 'device' && node.on !== on) {
        const message = `${own} runs on ${node.on}, in a pipeline that a node runs as a whole on ${on}`;
        problems.set(at, { code: 'invalid-placement', field: `${at}.on`, message, hint: 'set `on` at the node that names the pipeline' });
      }
      if ('pipeline' in node) visit(node.pipeline, on, [...path, name]);
    }
  };
  for (const { pipeline, on } of uses) visit(pipeline, on, []);
  return [...problems.values()];
}

function checkAllCircles(pipelines: Inner): GraphProblem[] {
  return Object.entries(pipelines).flatMap(([name, inner]) => checkCircles(inner, `pipelines.${name}.`));
}

/** A circle through a delay is one machine's: each round waits for the one before. */
function checkCircles({ nodes, edges }: Around, prefix: string): GraphProblem[] {
  const undelayed = Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, 'op' in node ? { ...node, op: 'any' } : node]));
  const { cyclic } = orderNodes({ nodes: undelayed, edges: [...edges] });
  if (cyclic.length === 0) return [];
  const inCircle = new Set(circleOf({ nodes: undelayed, edges }, cyclic));
  const places = new Set([...inCircle].map((name) => nodes[name]?.on));
  if (places.size < 2) return [];
  return [...inCircle]
    .filter((name) => nodes[name]?.on !== 'device')
    .map((name) => ({
      ...{ code: 'invalid-placement', field: `${prefix}nodes.${name}.on` },
      message: `${name} lies on a circle with nodes that run elsewhere: ${[...inCircle].join(', ')}`,
      hint: 'let all of them run at one place',
    }));
}

/** Of nodes on or behind a cycle those that lie on one: taken away from the other end as well. */
function circleOf({ nodes, edges }: Around, cyclic: readonly string[]): string[] {
  const within = new Set(cyclic);
  const some = Object.fromEntries(Object.entries(nodes).filter(([name]) => within.has(name)));
  const turned = edges.map(({ from, to }) => ({ from: `${to.slice(0, to.indexOf('.'))}.x`, to: `${from.slice(0, from.indexOf('.'))}.x` }));
  return orderNodes({ nodes: some, edges: turned }).cyclic;
}
