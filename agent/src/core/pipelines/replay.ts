import {
  type EdgeValue,
  type ItemReference,
  isStarlingError,
  messageOf,
  type ReplayedEdge,
  type ReplayResult,
  type ShownPart,
  type TapCounts,
  type TapMessage,
} from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { Graph } from './graph.ts';
import type { ReplayableItem } from './recent-items.ts';

export interface ReplayPorts {
  clock: Clock;
  encode(value: unknown, maximumBytes: number): Promise<EdgeValue>;
  emit(message: TapMessage): void;
}

export interface Replay {
  /** The values come as those of a tap of this name. */
  tap: string;
  item: ReplayableItem;
  /** Ports to tell about, whether their values may leave or not. */
  ports: readonly string[];
  isAllowed(port: string): boolean;
  maximumBytes: number;
  /** What the parts that other machines ran have shown, once the item is through. */
  elsewhere(): ShownPart;
}

/** What one item does in a graph of its own. */
export interface SeenItem {
  /** What stands inside an `each` gives a value for each item of the list. */
  values: ReadonlyMap<string, readonly unknown[]>;
  nodesMs: Record<string, number>;
  detach(): void;
}

export function seeItem(graph: Pick<Graph, 'observe'>): SeenItem {
  const values = new Map<string, unknown[]>();
  const nodesMs: Record<string, number> = {};
  const detach = graph.observe({
    value: (reference, value) => void values.set(reference, [...(values.get(reference) ?? []), value]),
    node: (name, run) => {
      nodesMs[name] = run.endedMs - run.startedMs;
    },
  });
  return { values, nodesMs, detach };
}

export type ShownEdge = ShownPart['edges'][number];

/** @returns one after the other what became of these ports; what may leave has its value */
export async function* showEdges(
  { values }: Pick<SeenItem, 'values'>,
  { ports, isAllowed, maximumBytes }: Pick<Replay, 'ports' | 'isAllowed' | 'maximumBytes'>,
  encode: ReplayPorts['encode'],
): AsyncGenerator<ShownEdge> {
  for (const edge of ports) {
    const state = !isAllowed(edge) ? 'refused' : values.has(edge) ? 'sent' : 'absent';
    const given = values.get(edge) ?? [];
    if (state !== 'sent') yield { edge, state };
    else yield { edge, state, value: await encode(given.length > 1 ? given : given[0], maximumBytes) };
  }
}

/**
 * Runs one item through a graph and tells what became of its edges. An item that fails on the way is an answer too: its edges show how
 * far it came.
 * @param graph of its own, without sinks: what it keeps, counts and lets out has nothing to do with the items that are live
 */
export async function replayItem(
  graph: Pick<Graph, 'run' | 'observe'>,
  replay: Replay,
  { clock, encode, emit }: ReplayPorts,
): Promise<Omit<ReplayResult, 'pipeline' | 'release'>> {
  const seen = seeItem(graph);
  const startedMs = clock.monotonicMs();
  let failure: ReplayResult['failure'];
  try {
    const { values: given, stream, timeMs, sequence } = replay.item;
    // With the number that it had: what scripts and operators derive from it comes out as it did.
    await graph.run({ values: given, stream, timeMs, ...(sequence === null ? {} : { sequence }) });
  } catch (error) {
    failure = failureOf(error);
  } finally {
    seen.detach();
  }
  const latencyMs = clock.monotonicMs() - startedMs;
  const { stream, timeMs, sequence } = replay.item;
  const item: ItemReference = { stream: stream.slice(0, 200), sequence: sequence ?? 0, timeMs, traceId: null };
  const counts: TapCounts = { seen: seen.values.size, skipped: 0, rate: 0, busy: 0, link: 0 };
  const elsewhere = replay.elsewhere();
  const edges: ReplayedEdge[] = [];
  let sent = 0;
  const tell = ({ edge, state, value }: ShownEdge): void => {
    edges.push({ edge, state });
    if (value === undefined) return;
    emit({ tap: replay.tap, sequence: sent, edge, item, value, counts });
    sent += 1;
  };
  for await (const shown of showEdges(seen, replay, encode)) tell(shown);
  for (const shown of elsewhere.edges) tell(shown);
  emit({ tap: replay.tap, sequence: sent, counts, end: 'replay-done' });
  const nodesMs = { ...elsewhere.nodesMs, ...seen.nodesMs };
  return { item, edges, latencyMs, nodesMs, ...(failure === undefined ? {} : { failure }) };
}

function failureOf(error: unknown): NonNullable<ReplayResult['failure']> {
  if (!isStarlingError(error)) return { code: 'node-failed', message: messageOf(error) };
  const { code, message, field } = error;
  return { code, message, ...(field === undefined ? {} : { field }) };
}
