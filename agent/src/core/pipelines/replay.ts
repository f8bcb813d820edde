import {
  type EdgeValue,
  type ItemReference,
  isStarlingError,
  messageOf,
  type ReplayedEdge,
  type ReplayResult,
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
  const values = new Map<string, unknown[]>();
  const nodesMs: Record<string, number> = {};
  const detach = graph.observe({
    // What stands inside an `each` gives a value for each item of the list.
    value: (reference, value) => void values.set(reference, [...(values.get(reference) ?? []), value]),
    node: (name, run) => {
      nodesMs[name] = run.endedMs - run.startedMs;
    },
  });
  const startedMs = clock.monotonicMs();
  let failure: ReplayResult['failure'];
  try {
    const { values: given, stream, timeMs, sequence } = replay.item;
    // With the number that it had: what scripts and operators derive from it comes out as it did.
    await graph.run({ values: given, stream, timeMs, ...(sequence === null ? {} : { sequence }) });
  } catch (error) {
    failure = failureOf(error);
  } finally {
    detach();
  }
  const latencyMs = clock.monotonicMs() - startedMs;
  const { stream, timeMs, sequence } = replay.item;
  const item: ItemReference = { stream: stream.slice(0, 200), sequence: sequence ?? 0, timeMs, traceId: null };
  const counts: TapCounts = { seen: values.size, skipped: 0, rate: 0, busy: 0, link: 0 };
  const edges: ReplayedEdge[] = [];
  let sent = 0;
  for (const edge of replay.ports) {
    const state = !replay.isAllowed(edge) ? 'refused' : values.has(edge) ? 'sent' : 'absent';
    edges.push({ edge, state });
    if (state !== 'sent') continue;
    const given = values.get(edge) ?? [];
    const value = await encode(given.length > 1 ? given : given[0], replay.maximumBytes);
    emit({ tap: replay.tap, sequence: sent, edge, item, value, counts });
    sent += 1;
  }
  emit({ tap: replay.tap, sequence: sent, counts, end: 'replay-done' });
  return { item, edges, latencyMs, nodesMs, ...(failure === undefined ? {} : { failure }) };
}

function failureOf(error: unknown): NonNullable<ReplayResult['failure']> {
  if (!isStarlingError(error)) return { code: 'node-failed', message: messageOf(error) };
  const { code, message, field } = error;
  return { code, message, ...(field === undefined ? {} : { field }) };
}
