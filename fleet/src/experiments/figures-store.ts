import { latencyEdgesMs, type TelemetryPayload } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import type { ArmCounts } from './judge.ts';

export interface ArmFigures extends ArmCounts {
  shed: number;
  /** Latencies over the bins that all devices share. */
  bins: number[];
  joules: number;
  /** Inferences whose energy is known. */
  measured: number;
}

const texts = (values: readonly string[]): SQL => sql`${sql.param([...values])}::text[]`;

interface Stored {
  device: string;
  kind: string;
  payload: unknown;
}

interface Counted {
  experiment: string;
  release: string;
  device: string;
  items: number;
  failures: number;
  compared: number;
  agreed: number;
  shed: number;
  joules: number;
  measured: number;
  bins: number[] | null;
}

/**
 * Adds what records say of arms, in the transaction that stores them. A device that takes part in nothing costs nothing.
 * @param rows payloads were checked against the schema of their kind
 */
export async function keepExperiments(tx: Transaction, rows: readonly Stored[]): Promise<void> {
  const sums = new Map<string, Counted>();
  for (const row of rows) {
    const counted = countedOf(row);
    if (counted === undefined) continue;
    const key = `${counted.experiment} ${counted.release} ${counted.device}`;
    const before = sums.get(key);
    sums.set(key, before === undefined ? counted : addUp(before, counted));
  }
  // Always in the same order, so that two writers never wait for each other.
  const sorted = [...sums].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each);
  if (sorted.length > 0) await addFigures(tx, sorted);
}

function countedOf({ device, kind, payload }: Stored): Counted | undefined {
  const nothing = { items: 0, failures: 0, compared: 0, agreed: 0, shed: 0, joules: 0, measured: 0, bins: null };
  if (kind === 'inference') {
    const { experiment, release, items, failures, latencyMs } = payload as TelemetryPayload<'inference'>;
    if (experiment === undefined || release === null) return undefined;
    const { id, compared, agreed, shed } = experiment;
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
    // Only equal bins can be summed.
    const isOurs =
      latencyMs.edges.length === latencyEdgesMs.length && latencyMs.edges.every((edge, index) => edge === latencyEdgesMs[index]);
    const bins = isOurs && latencyMs.count > 0 ? [...latencyMs.counts] : null;
    return { ...nothing, experiment: id, release, device, items, failures: failed, compared, agreed, shed, bins };
  }
  if (kind !== 'energy') return undefined;
  const { experiment, release, agentJoules, inferences } = payload as TelemetryPayload<'energy'>;
  if (experiment === undefined || release === null || inferences === 0) return undefined;
  return { ...nothing, experiment, release, device, joules: agentJoules, measured: inferences };
}

function addUp(left: Counted, right: Counted): Counted {
  const sum = { ...left };
  for (const key of ['items', 'failures', 'compared', 'agreed', 'shed', 'joules', 'measured'] as const) sum[key] += right[key];
  const bins =
    left.bins === null || right.bins === null ? (left.bins ?? right.bins) : left.bins.map((count, bin) => count + (right.bins?.[bin] ?? 0));
  return { ...sum, bins };
}

async function addFigures(tx: Transaction, rows: readonly Counted[]): Promise<void> {
  const column = (key: keyof Counted): SQL => sql`${sql.param(rows.map((row) => row[key]))}`;
  const bins = sql.param(rows.map((row) => (row.bins === null ? null : `{${row.bins.join(',')}}`)));
  await tx.execute(sql`
    insert into experiment_figures as f (experiment, release, device, items, failures, compared, agreed, shed, joules, measured, bins)
    select n.experiment, n.release, n.device, n.items, n.failures, n.compared, n.agreed, n.shed, n.joules, n.measured, n.bins::bigint[]
    from unnest(${column('experiment')}::text[], ${column('release')}::text[], ${column('device')}::text[], ${column('items')}::bigint[],
      ${column('failures')}::bigint[], ${column('compared')}::bigint[], ${column('agreed')}::bigint[], ${column('shed')}::bigint[],
      ${column('joules')}::float8[], ${column('measured')}::bigint[], ${bins}::text[])
      as n(experiment, release, device, items, failures, compared, agreed, shed, joules, measured, bins)
    where exists (select 1 from experiments e where e.id = n.experiment)
    on conflict (experiment, release, device) do update set items = f.items + excluded.items, failures = f.failures + excluded.failures,
      compared = f.compared + excluded.compared, agreed = f.agreed + excluded.agreed, shed = f.shed + excluded.shed,
      joules = f.joules + excluded.joules, measured = f.measured + excluded.measured,
      bins = case when f.bins is null then excluded.bins when excluded.bins is null then f.bins
        else (select array_agg(before + added order by bin) from unnest(f.bins, excluded.bins) with ordinality as b(before, added, bin)) end`);
}

export interface FiguresOf {
  id: string;
  releases: readonly string[];
  /** What labels are worth. */
  labels: Readonly<Record<string, number>>;
}

/** All that was counted of the arms of an experiment, in the order of `releases`. */
export async function figuresOfArms(db: Queryable, of: FiguresOf): Promise<ArmFigures[]> {
  const counted = await countedBy(db, of);
  const rewards = await rewardsBy(db, of);
  const bins = await binsBy(db, of);
  const nothing = { devices: 0, items: 0, failures: 0, compared: 0, agreed: 0, shed: 0, joules: 0, measured: 0 };
  return of.releases.map((release) => ({
    ...{ ...nothing, ...counted.get(release) },
    rewards: rewards.get(release) ?? { count: 0, sum: 0, squares: 0 },
    bins: bins.get(release) ?? [],
  }));
}

type Sums = Omit<ArmFigures, 'bins' | 'rewards'>;

async function countedBy(db: Queryable, { id }: FiguresOf): Promise<Map<string, Sums>> {
  const rows = await db.execute<{ [key in keyof Sums]: number } & { release: string }>(sql`
    select release, (count(*) filter (where items > 0))::int as devices, sum(items)::float8 as items, sum(failures)::float8 as failures,
      sum(compared)::float8 as compared, sum(agreed)::float8 as agreed, sum(shed)::float8 as shed, sum(joules) as joules,
      sum(measured)::float8 as measured
    from experiment_figures where experiment = ${id} group by release`);
  return new Map(rows.map(({ release, ...sums }) => [release, sums]));
}

/** The database counts the places of an array from 1. */
async function binsBy(db: Queryable, { id }: FiguresOf): Promise<Map<string, number[]>> {
  const rows = await db.execute<{ release: string; bin: number; n: number }>(sql`
    select release, bin::int as bin, sum(n)::float8 as n from experiment_figures cross join lateral unnest(bins) with ordinality as b(n, bin)
    where experiment = ${id} and bins is not null and n > 0 group by release, bin`);
  const found = new Map<string, number[]>();
  for (const { release, bin, n } of rows) {
    const bins = found.get(release) ?? new Array<number>(latencyEdgesMs.length + 1).fill(0);
    bins[bin - 1] = n;
    found.set(release, bins);
  }
  return found;
}

async function rewardsBy(db: Queryable, { id, labels }: FiguresOf): Promise<Map<string, ArmCounts['rewards']>> {
  const rows = await db.execute<{ release: string; count: number; sum: number; squares: number }>(sql`
    select release, count(worth)::int as count, coalesce(sum(worth), 0)::float8 as sum, coalesce(sum(worth * worth), 0)::float8 as squares
    from (select release, coalesce(value, (${JSON.stringify(labels)}::jsonb->>label)::float8) as worth from feedback_outcomes
      where experiment = ${id}) as told group by release`);
  return new Map(rows.map(({ release, ...rewards }) => [release, rewards]));
}

/** Takes away what devices counted that are going to be deleted. */
export async function forgetFigures(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.execute(sql`delete from experiment_figures where device = any(${texts(ids)})`);
}
