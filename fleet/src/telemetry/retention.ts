import { messageOf, type TelemetryStorage } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock, Log } from '../ports.ts';
import type { KeepMs } from './layer-store.ts';
import { type LayerName, type LayerState, layers, partitionMs, planDrops } from './layers.ts';
import { dropPartition, layerRows, listPartitions, notePass, type StoredPartition } from './partition-store.ts';
import { createPartitions } from './partitions.ts';

/** Drops what is old, and where there is a budget, what does not fit into it. */
export interface Retention {
  /** One look at everything; repeating it changes nothing. Where readers are in the way, the next one drops. */
  pass(): Promise<void>;
  storage(): Promise<Omit<TelemetryStorage, 'load'>>;
}

export interface RetentionPorts {
  db: Database;
  kind: 'postgres' | 'pglite';
  clock: Clock;
  log: Log;
  keepMs: KeepMs;
  /** Of all layers together; null: no budget. */
  bytesMaximum: number | null;
  /** Rows of other modules that grow with time, and have no partitions. */
  others: readonly OtherRows[];
}

export interface OtherRows {
  name: string;
  describes: string;
  keepMs: number;
  /** Deletes some of what is older, few enough to hold nobody up. @returns how many; 0: there are no more */
  deleteSome(db: Database, beforeMs: number): Promise<number>;
}

/** Deletions of one pass: what is left waits for the next one. */
const DELETIONS_MAXIMUM = 50;

export function createRetention(ports: RetentionPorts): Retention {
  const { db, kind, clock, log, keepMs, bytesMaximum, others } = ports;
  const statesOf = (stored: readonly StoredPartition[]): LayerState[] =>
    layers.map(({ name }) => ({ name, keepMs: keepMs[name], partitions: stored.filter(({ layer }) => layer === name) }));

  const dropOld = async (nowMs: number): Promise<void> => {
    const drops = planDrops(statesOf(await listPartitions(db)), nowMs, bytesMaximum);
    const held = new Set<LayerName>();
    for (const drop of drops) {
      if (held.has(drop.layer)) continue;
      const { layer, reason } = drop;
      const { table, bytes } = drop.partition;
      try {
        const rows = await dropPartition(db, drop, nowMs);
        log.info({ layer, table, rows, bytes, reason }, 'telemetry was dropped');
      } catch (error) {
        // Newer ones of the layer stay too, so that what is kept has no hole.
        held.add(layer);
        log.info({ layer, table, error: messageOf(error) }, 'old telemetry is read by somebody, and is dropped later');
      }
    }
  };
  /** Partitions for what comes next, so that nobody has to wait for them at the turn of the day. */
  const lookAhead = async (nowMs: number): Promise<void> => {
    const partitions = createPartitions(db, kind);
    for (const { name } of layers) await partitions.ensure(name, [nowMs, nowMs + partitionMs(name, kind)]);
  };
  return {
    async pass() {
      const nowMs = clock.nowMs();
      await dropOld(nowMs);
      await lookAhead(nowMs);
      for (const { name } of layers) await notePass(db, name, nowMs, 0);
      for (const other of others) {
        let rows = 0;
        for (let deletion = 0; deletion < DELETIONS_MAXIMUM; deletion += 1) {
          const deleted = await other.deleteSome(db, nowMs - other.keepMs);
          rows += deleted;
          if (deleted === 0) break;
        }
        await notePass(db, other.name, nowMs, rows);
      }
    },
    async storage() {
      const stored = await listPartitions(db);
      const counts = await layerRows(db);
      const bytesOf = (partitions: readonly StoredPartition[]): number => partitions.reduce((sum, { bytes }) => sum + bytes, 0);
      const countsOf = (name: string) => {
        const { expiredRows = 0, overBudgetRows = 0, droppedBeforeMs = null, passedAtMs = null } = counts.get(name) ?? {};
        return { expiredRows, overBudgetRows, droppedBeforeMs, passedAtMs };
      };
      const partitioned = layers.map(({ name, describes }) => {
        const own = stored.filter(({ layer }) => layer === name);
        const sizes = { partitions: own.length, bytes: bytesOf(own), fromMs: own[0]?.fromMs ?? null };
        return { layer: name, describes, keepMs: keepMs[name], ...sizes, ...countsOf(name) };
      });
      const rest = others.map(({ name, describes, keepMs }) => ({
        ...{ layer: name, describes, keepMs, partitions: null, bytes: null, fromMs: null },
        ...countsOf(name),
      }));
      return { bytes: bytesOf(stored), bytesMaximum, layers: [...partitioned, ...rest] };
    },
  };
}
