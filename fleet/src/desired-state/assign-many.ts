import { type ArtefactChoice, StarlingError } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Transaction } from '../db/index.ts';
import type { Role } from './placement.ts';

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
  devices: readonly {
    device: string;
    choice: number;
    only?: { epoch: number; generation: number } | undefined;
    /** What it is to a release of several places; nothing, if not given. */
    role?: Role | undefined;
  }[];
  epoch: number;
  nowMs: number;
  by: string;
}

const texts = (values: readonly (string | null)[]): SQL => sql`${sql.param([...values])}::text[]`;
const integers = (values: readonly (number | null)[]): SQL => sql`${sql.param([...values])}::int[]`;

/**
 * Raises the generation of many devices in one statement; choices that are shared are sent to the database once. A worker that goes on to
 * another release helps with the one that it leaves: whose homes need it no more is looked at afterwards.
 * @returns what was written. A device with `only` is left out where its desired state is not that any more.
 */
export async function writeManyDesired(tx: Transaction, { choices, devices, epoch, nowMs, by }: ManyAssignments): Promise<Given[]> {
  if (devices.length === 0) return [];
  if (new Set(devices.map(({ device }) => device)).size < devices.length)
    throw new StarlingError('device-twice', 'a device is assigned once at a time', { field: 'devices' });
  const given = sql`unnest(${texts(devices.map(({ device }) => device))}, ${integers(devices.map(({ choice }) => choice))},
    ${integers(devices.map(({ only }) => only?.epoch ?? null))}, ${integers(devices.map(({ only }) => only?.generation ?? null))},
    ${texts(devices.map(({ role }) => (role === undefined ? null : JSON.stringify(role))))})
    as given(device, choice, epoch, generation, role)`;
  const others = sql`(select coalesce(jsonb_agg(h), '[]'::jsonb) from jsonb_array_elements(s.helps) h where h->>'release' <> excluded.release)`;
  const left = sql`case when s.places is null or s.release is null or s.release = excluded.release then '[]'::jsonb
    else jsonb_build_array(jsonb_build_object('release', s.release, 'artefacts', s.artefacts, 'places', s.places)) end`;
  const chosen = sql`unnest(${integers(choices.map((_, index) => index))}, ${texts(choices.map(({ release }) => release))},
    ${texts(choices.map(({ artefacts }) => JSON.stringify(artefacts)))}, ${texts(choices.map(({ reasons }) => JSON.stringify(reasons)))})
    as chosen(choice, release, artefacts, reasons)`;
  const rows = await tx.execute<Given>(sql`
    insert into desired_states as s (device, epoch, generation, release, previous_release, artefacts, reasons, places, workers, unserved, assigned_at_ms, assigned_by)
    select given.device, ${epoch}::int, coalesce(b.generation, 0) + 1, chosen.release,
      case when b.release is distinct from chosen.release then b.release else b.previous_release end,
      chosen.artefacts::jsonb, chosen.reasons::jsonb, nullif(given.role::jsonb->'places', 'null'::jsonb),
      coalesce(given.role::jsonb->'workers', '{}'::jsonb), coalesce(given.role::jsonb->'unserved', '[]'::jsonb), ${nowMs}, ${by}
    from ${given} join ${chosen} on chosen.choice = given.choice left join desired_states b on b.device = given.device
    where given.generation is null or (b.epoch = given.epoch and b.generation = given.generation)
    order by given.device
    on conflict (device) do update set epoch = excluded.epoch, generation = s.generation + 1, release = excluded.release,
      previous_release = case when s.release is distinct from excluded.release then s.release else s.previous_release end,
      artefacts = excluded.artefacts, reasons = excluded.reasons,
      experiment = case when s.release is distinct from excluded.release then null else s.experiment end, places = excluded.places, workers = excluded.workers, unserved = excluded.unserved,
      helps = case when excluded.places is null then '[]'::jsonb else ${others} || ${left} end, assigned_at_ms = excluded.assigned_at_ms, assigned_by = excluded.assigned_by
      where s.generation = excluded.generation - 1
    returning s.device, s.epoch, s.generation`);
  return [...rows];
}
