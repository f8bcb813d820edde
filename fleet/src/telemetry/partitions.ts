import { StarlingError } from '@starling/shared';
import type { Queryable } from '../db/index.ts';
import { type LayerName, layers, missingStretch, partitionMs, type Stretch } from './layers.ts';
import { createPartition, listPartitions } from './partition-store.ts';

/** Knows which partitions are there, and makes those that are missing. */
export interface Partitions {
  /** Sees to it that rows of these moments have a place. */
  ensure(layer: LayerName, moments: Iterable<number>): Promise<void>;
  /** Another process may have dropped some: looks again before the next rows. */
  forget(): void;
}

export function createPartitions(db: Queryable, kind: 'postgres' | 'pglite'): Partitions {
  let known: Map<LayerName, Stretch[]> | undefined;

  const read = async (): Promise<Map<LayerName, Stretch[]>> => {
    known ??= Map.groupBy(await listPartitions(db), ({ layer }) => layer);
    return known;
  };
  const make = async (layer: LayerName, atMs: number): Promise<void> => {
    const { table } = layers.find(({ name }) => name === layer) as { table: string };
    for (let attempt = 0; ; attempt += 1) {
      const stretch = missingStretch(atMs, partitionMs(layer, kind), (await read()).get(layer) ?? []);
      if (stretch === undefined) return;
      try {
        await createPartition(db, table, stretch);
      } catch (cause) {
        if (attempt > 0) throw new StarlingError('no-partition', `${table} got no partition`, { retryable: true, cause });
      }
      known = undefined;
    }
  };
  return {
    async ensure(layer, moments) {
      const stretches = (await read()).get(layer) ?? [];
      const isCovered = (atMs: number): boolean => stretches.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
      const missing = [...new Set(moments)].filter((atMs) => !isCovered(atMs));
      for (const atMs of missing) await make(layer, atMs);
    },
    forget() {
      known = undefined;
    },
  };
}

/** For rows of a backup that go into a table, whatever it is: most have no partitions. */
export async function ensurePartitions(db: Queryable, table: string, moments: readonly number[]): Promise<void> {
  const layer = layers.find((each) => each.table === table);
  if (layer !== undefined) await createPartitions(db, 'postgres').ensure(layer.name, moments);
}
