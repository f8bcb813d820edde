import type { BenchmarkRecord } from '@starling/shared';
import { eq, inArray, lte, or, sql } from 'drizzle-orm';
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

/** What a measurement says about when it counts. */
export interface MeasuredBrief {
  device: string;
  profile: string;
  artefact: string;
  runtimeVersion: string;
  /** What the device runs models with now; empty if it does not say. */
  runtime: string;
  throttled: boolean;
  measuredAtMs: number;
}

/** The newest measurements of each artefact on each profile, and all of some devices. */
export async function briefMeasurements(
  db: Queryable,
  artefacts: readonly string[],
  { perProfile, ofDevices }: { perProfile: number; ofDevices: readonly string[] },
): Promise<MeasuredBrief[]> {
  if (artefacts.length === 0) return [];
  const { record, measuredAtMs, artefact } = measurements;
  const engines = sql`${devices.capabilities}->'runtimeVersions'`;
  const placed = db
    .select({
      device: measurements.device,
      artefact,
      profile: devices.profile,
      runtimeVersion: sql<string>`${record}->>'runtimeVersion'`.as('runtime_version'),
      runtime: sql<string>`coalesce(${engines}->>'onnxruntime', ${engines}->>'engine', '')`.as('runtime'),
      throttled: sql<boolean>`coalesce(${record}->>'throttled' = 'true', false)`.as('throttled'),
      measuredAtMs,
      place: sql<number>`row_number() over (partition by ${devices.profile}, ${artefact} order by ${measuredAtMs} desc)`.as('place'),
    })
    .from(measurements)
    .innerJoin(devices, eq(devices.id, measurements.device))
    .where(inArray(artefact, [...artefacts]))
    .as('placed');
  const isWanted = ofDevices.length === 0 ? undefined : inArray(placed.device, [...ofDevices]);
  const rows = await db
    .select()
    .from(placed)
    .where(or(lte(placed.place, perProfile), isWanted))
    .orderBy(placed.profile, placed.artefact, placed.device);
  return rows.map(({ place: _place, ...row }) => row);
}

/** Takes away what was measured on devices that are going to be deleted. */
export async function forgetMeasurements(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.delete(measurements).where(inArray(measurements.device, [...ids]));
}
