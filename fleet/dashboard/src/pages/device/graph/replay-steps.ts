import type { ReplayResult, TapValueView } from '@starling/shared';
import type { DrawnGraph } from '../../../graph/drawn-graph.ts';

export interface ReplayedPort {
  port: string;
  /** `not-sent`: it was to be sent, and did not come. */
  state: 'sent' | 'absent' | 'refused' | 'not-sent';
  value: TapValueView | undefined;
}

/** One node of a replay: what it got, what it gave, how long it took. */
export interface ReplayStep {
  node: string;
  takes: ReplayedPort[];
  gives: ReplayedPort[];
  tookMs: number | undefined;
  /** The item ended here. */
  failure: string | undefined;
}

/** A replay node by node, in the order of the graph; nodes to which nothing came are left out, but for the one that failed. */
export function stepsOf(graph: DrawnGraph, result: ReplayResult, values: readonly TapValueView[]): ReplayStep[] {
  const valueAt = new Map(values.flatMap((value) => (value.edge === undefined ? [] : [[value.edge, value] as const])));
  const stateOf = new Map(result.edges.map(({ edge, state }) => [edge, state]));
  const portAt = (port: string): ReplayedPort => {
    const value = valueAt.get(port);
    const state = stateOf.get(port) ?? 'absent';
    return { port, value, state: state === 'sent' && value === undefined ? 'not-sent' : state };
  };
  const failedAt = result.failure === undefined ? undefined : nodeIn(result.failure.field);
  return graph.nodes
    .map(({ id, outputs }) => ({
      node: id,
      takes: graph.edges.filter(({ to, kind }) => to === id && kind !== 'trigger').map(({ port }) => portAt(port)),
      gives: outputs.map(({ name }) => portAt(`${id}.${name}`)),
      tookMs: result.nodesMs[id],
      failure: failedAt === id ? result.failure?.message : undefined,
    }))
    .filter(
      ({ takes, gives, tookMs, failure }) =>
        failure !== undefined || tookMs !== undefined || [...takes, ...gives].some(({ state }) => state !== 'absent'),
    );
}

/** `nodes.detect` or `detect` */
function nodeIn(field: string | undefined): string | undefined {
  return field?.replace(/^nodes\./, '').split('.')[0];
}
