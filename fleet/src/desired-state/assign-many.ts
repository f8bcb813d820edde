import { type ArtefactChoice, StarlingError } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Transaction } from '../db/index.ts';

/** What several devices are given alike. */
export interface SharedChoice {
  release: string | null;
  artefacts: Record<string, string>;
  reasons: Record<string, ArtefactChoice>;
}

export interface Given {
  [key: string]: unknown;
  device: string;
  epoch: number;
  generation: number;
}

export interface ManyAssignments {
  choices: readonly SharedChoice[];
  /** Each device once, with the place of its choice. */
  devices: readonly { device: string; choice: number; only?: { epoch: number; generation: number } | undefined }[];
  epoch: number;
  nowMs: number;
  by: string;
}

const texts = (values: readonly (string | null)[]): SQL => sql`${sql.param([...values])}::text[]`;
const integers = (values: readonly (number | null)[]): SQL => sql`${sql.param([...values])}::int[]`;

/**
 * Raises the generation of many devices in one statement, for releases that run on one machine; choices that are shared are sent to the database once.
 * @returns what was written. A device with `only` is left out where its desired state is not that any more.
 */
export async function writeManyDesired(tx: Transaction, { choices, devices, epoch, nowMs, by }: ManyAssignments): Promise<Given[]> {
  if (devices.length === 0) return [];
  if (new Set(devices.map(({ device }) => device)).size < devices.length)
    throw new StarlingError('device-twice', 'a device is assigned once at a time', { field: 'devices' });
  const given = sql`unnest(${texts(devices.map(({ device }) => device))}, ${integers(devices.map(({ choice }) => choice))},
    ${integers(devices.map(({ only }) => only?.epoch ?? null))}, ${integers(devices.map(({ only }) => only?.generation ?? null))})
    as given(device, choice, epoch, generation)`;
  const chosen = sql`unnest(${integers(choices.map((_, index) => index))}, ${texts(choices.map(({ release }) => release))},
    ${texts(choices.map(({ artefacts }) => JSON.stringify(artefacts)))}, ${texts(choices.map(({ reasons }) => JSON.stringify(reasons)))})
    as chosen(choice, release, artefacts, reasons)`;
  const rows = await tx.execute<Given>(sql`
    insert into desired_states as s (device, epoch, generation, release, previous_release, artefacts, reasons, assigned_at_ms, assigned_by)
    select given.device, ${epoch}::int, coalesce(b.generation, 0) + 1, chosen.release,
      case when b.release is distinct from chosen.release then b.release else b.previous_release end,
      chosen.artefacts::jsonb, chosen.reasons::jsonb, ${nowMs}, ${by}
    from ${given} join ${chosen} on chosen.choice = given.choice left join desired_states b on b.device = given.device
    where given.generation is null or (b.epoch = given.epoch and b.generation = given.generation)
    order by given.device
    on conflict (device) do update set epoch = excluded.epoch, generation = s.generation + 1, release = excluded.release,
      previous_release = case when s.release is distinct from excluded.release then s.release else s.previous_release end,
      artefacts = excluded.artefacts, reasons = excluded.reasons,
      experiment = case when s.release is distinct from excluded.release then null else s.experiment end, places = null, workers = '{}', unserved = '[]', assigned_at_ms = excluded.assigned_at_ms, assigned_by = excluded.assigned_by
      where s.generation = excluded.generation - 1
    returning s.device, s.epoch, s.generation`);
  return [...rows];
}
