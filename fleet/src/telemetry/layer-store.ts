import type { Database, Transaction } from '../db/index.ts';
import { packBatches, type RecordRow } from './batches.ts';
import { fleetSums } from './fleet-sums.ts';
import { type LayerName, layers } from './layers.ts';
import { createPartitions } from './partitions.ts';
import { createPlaces } from './places.ts';
import { bucketOf, HOUR_MS, ROLL_UP_MS, rollUp } from './roll-up.ts';
import { addFleetSums, addRollUps } from './roll-up-store.ts';
import { insertBatches } from './store.ts';

/** How long each layer keeps what it has, in milliseconds. */
export type KeepMs = Readonly<Record<LayerName, number>>;

/** Puts records into all layers that still keep their time. */
export interface LayerStore {
  /** Makes the partitions that records of these moments need. Outside of the transaction that stores them: it waits for locks of its own. */
  ensure(moments: readonly number[], nowMs: number): Promise<void>;
  /** Records that are older than a layer keeps count in the others alone: they would go at the next pass. */
  add(tx: Transaction, rows: readonly RecordRow[], nowMs: number): Promise<void>;
  /** Looks again what there is before the next rows. */
  forget(): void;
}

export function createLayerStore(db: Database, kind: 'postgres' | 'pglite', keepMs: KeepMs): LayerStore {
  const partitions = createPartitions(db, kind);
  const places = createPlaces();
  const starts: Readonly<Record<LayerName, (atMs: number) => number>> = {
    records: (atMs) => atMs,
    'device-sums': bucketOf,
    sums: bucketOf,
    hours: (atMs) => Math.floor(atMs / HOUR_MS) * HOUR_MS,
  };
  return {
    async ensure(moments, nowMs) {
      const unique = [...new Set(moments)];
      for (const { name } of layers) {
        const rows = new Set(unique.map(starts[name]).filter((atMs) => atMs >= nowMs - keepMs[name]));
        await partitions.ensure(name, rows);
      }
    },
    async add(tx, rows, nowMs) {
      const isKept = (layer: LayerName, atMs: number): boolean => starts[layer](atMs) >= nowMs - keepMs[layer];
      await insertBatches(tx, packBatches(rows.filter(({ atMs }) => isKept('records', atMs))));
      const summed = rollUp(rows);
      const ofDevices = summed.filter(({ kind, atMs }) => kind !== 'device-energy' && isKept('device-sums', atMs));
      await addRollUps(tx, ofDevices);
      const known = await places.of(tx, new Set(summed.map(({ device }) => device)), nowMs);
      const sums = fleetSums(summed, known, ROLL_UP_MS).filter(({ atMs }) => isKept('sums', atMs));
      await addFleetSums(tx, 'telemetry_sums', sums);
      const hours = fleetSums(summed, known, HOUR_MS).filter(({ atMs }) => isKept('hours', atMs));
      await addFleetSums(tx, 'telemetry_hours', hours);
    },
    forget: () => partitions.forget(),
  };
}
