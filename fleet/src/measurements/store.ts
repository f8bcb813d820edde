import type { BenchmarkRecord } from '@starling/shared';
import { eq, inArray, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { devices, measurements } from '../db/schema/index.ts';

/** One benchmark of one artefact on one device. */
export interface MeasurementRow {
  device: string;
  artefact: string;
  record: BenchmarkRecord;
  measuredAtMs: number;
}

/** Keeps the newest of each artefact and device, in the transaction that stores the telemetry: a figure counts if and only if its record does. */
export async function upsertMeasurements(tx: Transaction, rows: readonly MeasurementRow[]): Promise<void> {
  // A statement may not touch one row twice, and a batch may hold two runs of one artefact.
  const newest = new Map<string, MeasurementRow>();
  for (const row of rows) {
    const key = `${row.device} ${row.artefact}`;
    if ((newest.get(key)?.measuredAtMs ?? Number.NEGATIVE_INFINITY) <= row.measuredAtMs) newest.set(key, row);
  }
  if (newest.size === 0) return;
  await tx
    .insert(measurements)
    .values([...newest.values()])
    .onConflictDoUpdate({
      target: [measurements.device, measurements.artefact],
      set: { record: sql`excluded.record`, measuredAtMs: sql`excluded.measured_at_ms` },
      setWhere: sql`excluded.measured_at_ms >= ${measurements.measuredAtMs}`,
    });
}

export type MeasuredRow = MeasurementRow & { profile: string; name: string };

/** Measurements of artefacts with the profile of each device. */
export async function measurementsOf(db: Queryable, artefacts: readonly string[]): Promise<MeasuredRow[]> {
  if (artefacts.length === 0) return [];
  return db
    .select({
      device: measurements.device,
      artefact: measurements.artefact,
      record: measurements.record,
      measuredAtMs: measurements.measuredAtMs,
      profile: devices.profile,
      name: devices.name,
    })
    .from(measurements)
    .innerJoin(devices, eq(devices.id, measurements.device))
    .where(inArray(measurements.artefact, [...artefacts]))
    .orderBy(measurements.artefact, measurements.device);
}
