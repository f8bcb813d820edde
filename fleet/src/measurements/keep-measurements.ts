import type { BenchmarkRecord } from '@starling/shared';
import type { Transaction } from '../db/index.ts';
import { upsertMeasurements } from './store.ts';

/** A stored telemetry record, as ingest passes it on. */
interface StoredRecord {
  device: string;
  kind: string;
  atMs: number;
  payload: unknown;
}

/** Keeps the benchmarks among stored records. Their payloads were parsed by the schema of their kind. */
export async function keepMeasurements(tx: Transaction, rows: readonly StoredRecord[]): Promise<void> {
  const benchmarks = rows.filter(({ kind }) => kind === 'benchmark');
  await upsertMeasurements(
    tx,
    benchmarks.map(({ device, atMs, payload }) => {
      const record = payload as BenchmarkRecord;
      return { device, artefact: record.artefact, record, measuredAtMs: atMs };
    }),
  );
}
