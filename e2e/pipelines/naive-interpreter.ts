import type { PipelineGraph } from '@starling/shared';
import type { NodeBehaviour, RandomGraph } from './random-graph.ts';

/** What a port is known to be for an item, and since when. */
interface Known {
  /** undefined: it stays away. */
  value: unknown;
  atMs: number;
  /** Of values that come at the same time, the one that is declared first counts. */
  order: number;
}

export type Outcome = { outputs: Record<string, unknown> } | { failedAt: string };

/** What a node of a random graph makes of what it gets: the same in the engine and here. */
export function outcomeOf(
  behaviour: NodeBehaviour,
  inputs: Readonly<Record<string, unknown>>,
  state: { sum: number },
): Record<string, unknown> | 'fails' {
  const numbers = Object.entries(inputs)
    .sort()
    .map(([port, value], index) => (index + 1) * numberOf(value) + port.length);
  let sum = numbers.reduce((total, number) => total + number, 1) % 9973;
  if (behaviour.failEvery > 0 && sum % behaviour.failEvery === 0) return 'fails';
  if (behaviour.isStateful) {
    state.sum = (state.sum + sum) % 9973;
    sum = state.sum;
  }
  const isAbsent = behaviour.absentEvery > 0 && sum % behaviour.absentEvery === 0;
  return isAbsent ? { other: sum } : { out: sum };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : JSON.stringify(value).length;
}

/**
 * What the semantics say, item by item and node by node, with nothing clever: the sum of all that the engine must agree with. Every value
 * has a time at which it is known, so joins need no events.
 */
export function createInterpreter({
  graph,
  behaviours,
}: RandomGraph): (values: Readonly<Record<string, number>>, stream: string) => Outcome {
  const states = new Map<string, { sum: number }>();
  const delayed = new Map<string, unknown>();
  return (values, stream) => {
    const known = new Map<string, Known>();
    for (const input of Object.keys(graph.inputs))
      known.set(`input.${input}`, { value: values[`input.${input}`], atMs: 0, order: known.size });
    const delays = Object.keys(graph.nodes).filter((name) => behaviours[name]?.isDelay);
    for (const name of delays) known.set(`${name}.out`, { value: delayed.get(`${stream} ${name}`), atMs: 0, order: known.size });
    let failure: { node: string; atMs: number } | undefined;
    for (const name of Object.keys(graph.nodes)) {
      const behaviour = behaviours[name] as NodeBehaviour;
      if (behaviour.isDelay) continue;
      const state = states.get(`${stream} ${name}`) ?? { sum: 0 };
      states.set(`${stream} ${name}`, state);
      const failedAtMs = runNode(graph, name, behaviour, known, state);
      if (failedAtMs !== undefined && (failure === undefined || failedAtMs < failure.atMs)) failure = { node: name, atMs: failedAtMs };
    }
    for (const name of delays) {
      const edge = graph.edges.find(({ to }) => to === `${name}.out`);
      const next = known.get(edge?.from ?? '');
      if (next?.value !== undefined) delayed.set(`${stream} ${name}`, next.value);
    }
    if (failure !== undefined) return { failedAt: failure.node };
    return { outputs: outputsOf(graph, known) };
  };
}

/** @returns when the item failed by it, if it did */
function runNode(
  graph: PipelineGraph,
  name: string,
  behaviour: NodeBehaviour,
  known: Map<string, Known>,
  state: { sum: number },
): number | undefined {
  const node = graph.nodes[name] as {
    join: 'inner' | 'any' | 'outer';
    joinWindowMs?: number;
    triggers?: string[];
    triggersJoin: string;
    onError: string;
  };
  const gives = (port: string, value: unknown, atMs: number): void => void known.set(`${name}.${port}`, { value, atMs, order: known.size });
  const ports = new Map<string, Known[]>();
  for (const edge of graph.edges) {
    if (!edge.to.startsWith(`${name}.`)) continue;
    const port = edge.to.slice(name.length + 1);
    ports.set(port, [...(ports.get(port) ?? []), known.get(edge.from) as Known]);
  }
  const inputs = [...ports].map(([port, givers]) => ({ port, ...firstOf(givers), isOptional: behaviour.optional.includes(port) }));
  const start = startOf(
    node,
    inputs,
    (node.triggers ?? []).map((port) => known.get(port) as Known),
  );
  if ('skippedAtMs' in start) {
    for (const port of ['out', 'other', 'error']) gives(port, undefined, start.skippedAtMs);
    return undefined;
  }
  const given = Object.fromEntries(
    inputs.filter(({ value, atMs }) => value !== undefined && atMs <= start.atMs).map(({ port, value }) => [port, value]),
  );
  const endMs = start.atMs + behaviour.durationMs;
  const outcome = outcomeOf(behaviour, given, state);
  const fails = outcome === 'fails';
  const outputs: Record<string, unknown> = fails ? {} : outcome;
  gives('out', outputs.out, endMs);
  gives('other', outputs.other, endMs);
  gives('error', fails ? { code: 'test-failed', message: `${name}: it failed`, node: name } : undefined, endMs);
  const skips = node.onError === 'skip' || graph.edges.some(({ from }) => from === `${name}.error`) || isTrigger(graph, `${name}.error`);
  return fails && !skips ? endMs : undefined;
}

function isTrigger(graph: PipelineGraph, port: string): boolean {
  return Object.values(graph.nodes).some((node) => 'triggers' in node && node.triggers?.includes(port));
}

/** Several edges into one port: the first value, or nothing once all stay away. */
function firstOf(givers: readonly Known[]): Known {
  const there = givers.filter(({ value }) => value !== undefined);
  if (there.length === 0) return { value: undefined, atMs: Math.max(...givers.map(({ atMs }) => atMs)), order: 0 };
  return there.reduce((first, each) => (each.atMs < first.atMs || (each.atMs === first.atMs && each.order < first.order) ? each : first));
}

type Start = { atMs: number } | { skippedAtMs: number };
type Input = Known & { isOptional: boolean };

function startOf(
  { join, joinWindowMs, triggersJoin }: { join: 'inner' | 'any' | 'outer'; joinWindowMs?: number; triggersJoin: string },
  inputs: readonly Input[],
  triggers: readonly Known[],
): Start {
  const data = join === 'inner' ? allOf(inputs) : someOf(inputs, join, joinWindowMs);
  const gate =
    triggersJoin === 'any' && triggers.length > 0
      ? someOf(triggers, 'any')
      : allOf(triggers.map((each) => ({ ...each, isOptional: false })));
  const skips = [data, gate].flatMap((start) => ('skippedAtMs' in start ? [start.skippedAtMs] : []));
  if (skips.length > 0) return { skippedAtMs: Math.min(...skips) };
  return { atMs: Math.max(...[data, gate].map((start) => ('atMs' in start ? start.atMs : 0))) };
}

function allOf(inputs: readonly Input[]): Start {
  const missing = inputs.filter(({ value, isOptional }) => value === undefined && !isOptional);
  if (missing.length > 0) return { skippedAtMs: Math.min(...missing.map(({ atMs }) => atMs)) };
  return { atMs: Math.max(0, ...inputs.map(({ atMs }) => atMs)) };
}

function someOf(inputs: readonly Known[], join: 'any' | 'outer', windowMs = Number.POSITIVE_INFINITY): Start {
  const there = inputs.filter(({ value }) => value !== undefined);
  const allKnownAtMs = Math.max(...inputs.map(({ atMs }) => atMs));
  if (there.length === 0) return { skippedAtMs: allKnownAtMs };
  const firstAtMs = Math.min(...there.map(({ atMs }) => atMs));
  return { atMs: join === 'any' ? firstAtMs : Math.min(allKnownAtMs, firstAtMs + windowMs) };
}

function outputsOf(graph: PipelineGraph, known: ReadonlyMap<string, Known>): Record<string, unknown> {
  const outputs: Record<string, unknown> = {};
  for (const output of Object.keys(graph.outputs)) {
    const givers = graph.edges.filter(({ to }) => to === `output.${output}`).map(({ from }) => known.get(from) as Known);
    const { value } = firstOf(givers);
    if (value !== undefined) outputs[output] = value;
  }
  return outputs;
}
