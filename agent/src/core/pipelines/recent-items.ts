import { type ReplayOf, StarlingError } from '@starling/shared';
import type { Graph } from './graph.ts';
import type { ItemInput } from './item-input.ts';
import type { ObservedItem } from './observe.ts';

/** What came into a graph, as it may be run again. */
export interface ReplayableItem extends Pick<ItemInput, 'values' | 'stream' | 'timeMs'> {
  sequence: number | null;
}

/** What came in lately: the newest item, and while somebody watches, a few more. */
export interface RecentItems {
  /** An item is about to come in. */
  remember(input: ItemInput): void;
  /** Keeps what comes in from now on. @returns ends it; what was kept stays until others start */
  watch(graph: Pick<Graph, 'observe'>): () => void;
  /** @throws StarlingError `no-such-item` */
  find(of: Exclude<ReplayOf, { kind: 'input' }>): ReplayableItem;
}

/** Items that are kept while somebody watches, so that what was seen can be replayed. */
const ITEMS_MAXIMUM = 16;
/** What is kept of them takes at most so much, as far as it is pixels or files. */
const BYTES_MAXIMUM = 64 * 1024 * 1024;

/** @param roots ports at which items come in */
export function createRecentItems(roots: readonly string[]): RecentItems {
  const isRoot = new Set(roots);
  let newest: ItemInput | undefined;
  let watchers = 0;
  let detach = (): void => undefined;
  // Oldest first.
  const kept = new Map<string, { item: ReplayableItem & { values: Record<string, unknown> }; bytes: number }>();

  const keep = (reference: string, value: unknown, seen: ObservedItem): void => {
    if (!isRoot.has(reference)) return;
    const { stream, sequence, timeMs } = seen;
    const key = `${sequence} ${stream}`;
    const entry = kept.get(key) ?? { item: { values: {}, stream, timeMs, sequence }, bytes: 0 };
    entry.item.values[reference] = value;
    entry.bytes += bytesOf(value);
    kept.set(key, entry);
    let total = [...kept.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [oldest, { bytes }] of kept) {
      if (kept.size <= ITEMS_MAXIMUM && total <= BYTES_MAXIMUM) return;
      kept.delete(oldest);
      total -= bytes;
    }
  };
  return {
    remember(input) {
      newest = input;
    },
    watch(graph) {
      if (watchers === 0) {
        kept.clear();
        detach = graph.observe({ value: keep });
      }
      watchers += 1;
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        watchers -= 1;
        if (watchers === 0) detach();
      };
    },
    find(of) {
      if (of.kind === 'item') {
        const found = kept.get(`${of.sequence} ${of.stream}`);
        if (found !== undefined) return found.item;
        throw new StarlingError('no-such-item', `item ${of.sequence} of "${of.stream}" is not kept any more`, {
          field: 'arguments.of',
          hint: `the last ${ITEMS_MAXIMUM} items that came in while an edge was watched are kept`,
        });
      }
      if (newest === undefined) {
        throw new StarlingError('no-such-item', 'no item has come in yet', {
          field: 'arguments.of',
          hint: 'send an input along',
          retryable: true,
        });
      }
      const { values, stream, timeMs } = newest;
      return { values, stream, timeMs, sequence: null };
    },
  };
}

function bytesOf(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value === 'object' && value !== null && 'data' in value && ArrayBuffer.isView(value.data)) return value.data.byteLength;
  return 0;
}
