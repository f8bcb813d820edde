import { type AnalysisMeasure, type AnalysisObjective, latencyEdgesMs } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { MeasureSource } from './device-figures.ts';
import { DEVICE_INFERENCES_MINIMUM } from './moments.ts';

/** Devices whose records count. */
export interface Cohort {
  /** Subquery of device ids, one text column. */
  devices: SQL;
  /** Subquery of every device that was told to run the release, whatever became of it; `devices` if not given. */
  assigned?: SQL;
  /** Digest of the release of the candidate. Not needed of a control: any other counts there. */
  release?: string | undefined;
}

/** Price of an hour of a device of a profile, and of how many cores that is; null: of the whole device, whatever it has. */
export interface ProfilePrice {
  profile: string;
  usdPerHour: number;
  referenceCores: number | null;
}

export interface FiguresQuestion {
  side: 'candidate' | 'control';
  /** Device ids, as a subquery. */
  devices: SQL;
  release: string;
  /** The one release that counts as the past of the candidate, from `pastFromMs` on; every other one if not given. */
  against?: string | undefined;
  objective: Pick<AnalysisObjective, 'pipeline' | 'monitor' | 'labels'>;
  measure: AnalysisMeasure;
  source: MeasureSource;
  /** Start of the first five minutes that count as now, as past, and of the first that does not count any more. */
  sinceMs: number;
  pastFromMs: number;
  untilMs: number;
  prices: readonly ProfilePrice[];
  /** Times are multiplied by what the device costs. */
  isCost: boolean;
}

/** Sketches of so many devices are unrolled at most: a sample of a larger cohort by the digest of their ids, the same at every look. */
const SKETCH_DEVICES_MAXIMUM = 2000;
const MILLISECONDS_PER_HOUR = 3_600_000;
/** Logarithms of the ends of all bins, the open ones as wide as the others. */
const logEdges = [-1, ...latencyEdgesMs.keys(), latencyEdgesMs.length].map((index) => {
  const known = latencyEdgesMs[Math.max(0, Math.min(index, latencyEdgesMs.length - 1))] as number;
  const beyond = index < 0 ? -1 : index >= latencyEdgesMs.length ? 1 : 0;
  return Math.log(known) + (beyond * Math.LN10) / 24;
});
/** In the text of the statement: they are the same at every look, and a look keeps its parameters. */
const edgesLiteral = sql.raw(`'{${logEdges.join(',')}}'::float8[]`);

/**
 * The sums of one measure over one cohort, in one statement: what `figuresOfDevices` makes in memory. It stands on its own, so that
 * anybody with the database can run it again.
 */
export function figuresQuery(question: FiguresQuestion): SQL {
  const { source } = question;
  if (source.a === 'below') return sketchQuery(question);
  const counted = source.a === 'any' ? eventCounts(question) : sumCounts(question);
  const logs =
    question.measure.kind === 'mean'
      ? sql`select device, is_now, ln(a / b) as log from counted where a > 0 and b >= ${DEVICE_INFERENCES_MINIMUM}`
      : sql`select device, is_now, null::float8 as log from counted where false`;
  return sql`with cohort as (${cohortOf(question.devices)}),
  counted as (${counted}),
  own as (${logs}),
  ${pairs}
  select ${sums}, null::jsonb as bins from pairs cross join log_sums group by ${logColumns}`;
}

function cohortOf(devices: SQL): SQL {
  return sql`select distinct c.device from (${devices}) as c(device)`;
}

/** Which roll-ups are of now, and which of the past; null is neither. */
function isNow({ side, release, against, sinceMs, pastFromMs, untilMs }: FiguresQuestion): SQL {
  const now = sql`r.at_ms >= ${sinceMs}::bigint and r.at_ms < ${untilMs}::bigint`;
  if (side === 'candidate') {
    const other = against === undefined ? sql`` : sql`r.release = ${against} and `;
    return sql`case when r.release = ${release} then case when ${now} then true end
      when ${other}r.at_ms >= ${pastFromMs}::bigint and r.at_ms < ${untilMs}::bigint then false end`;
  }
  return sql`case when r.release = ${release} then null when ${now} then true
    when r.at_ms >= ${pastFromMs}::bigint and r.at_ms < ${sinceMs}::bigint then false end`;
}

/** Roll-ups of the cohort, each with its side. */
function rowsOf(question: FiguresQuestion, columns: SQL, condition: SQL): SQL {
  const { pastFromMs, sinceMs, untilMs } = question;
  const fromMs = Math.min(pastFromMs, sinceMs);
  return sql`select device, is_now, ${columns} from (select r.*, ${isNow(question)} as is_now from ${tableOf(question)} as r
    where r.device in (select device from cohort) and r.at_ms >= ${fromMs}::bigint and r.at_ms < ${untilMs}::bigint
    and ${condition}) as r where is_now is not null`;
}

/**
 * Where the counts are. Outcomes are no telemetry: they come from elsewhere, late, and say nothing on whether a device is alive. Each is
 * counted when its item was answered, by the release that answered it; what is neither right nor wrong is left out.
 */
function tableOf({ source, objective: { labels = {} } }: FiguresQuestion): SQL {
  if (source.kind !== 'feedback') return sql`telemetry_rollups`;
  return sql`(select device, release, item_at_ms as at_ms, 1 as count, worth as total
    from (select device, release, item_at_ms, coalesce(value, (${JSON.stringify(labels)}::jsonb->>label)::float8) as worth
      from feedback_outcomes) as o where worth between 0 and 1)`;
}

function ofSubject({ source, objective }: FiguresQuestion): SQL {
  if (source.kind === 'feedback') return sql`true`;
  const kind = sql`r.kind = ${source.kind}`;
  if (source.subject !== undefined) return sql`${kind} and r.subject = ${source.subject}`;
  if (source.kind === 'drift') {
    const monitor = objective.monitor === undefined ? sql`` : sql` and split_part(r.subject, '/', 2) = ${objective.monitor}`;
    const pipeline = objective.pipeline === undefined ? sql`` : sql` and split_part(r.subject, '/', 1) = ${objective.pipeline}`;
    return sql`${kind}${pipeline}${monitor}`;
  }
  return objective.pipeline === undefined || source.kind === 'energy' ? kind : sql`${kind} and r.subject = ${objective.pipeline}`;
}

function sumCounts(question: FiguresQuestion): SQL {
  const value = question.source.a === 'hits' ? sql`r.hits` : sql`r.total`;
  const rows = rowsOf(question, sql`${value}::float8 as a, r.count::float8 as b`, ofSubject(question));
  const summed = sql`select device, is_now, sum(a) as a, sum(b) as b from (${rows}) as s group by device, is_now having sum(b) > 0`;
  if (!question.isCost) return summed;
  const { prices } = question;
  return sql`select s.device, s.is_now, s.a / ${MILLISECONDS_PER_HOUR}::float8 * p.usd
      * case when p.cores is null then 1 else (d.capabilities->'cpu'->>'cores')::float8 / p.cores end as a, s.b
    from (${summed}) as s join devices d on d.id = s.device
    join unnest(${sql.param(prices.map(({ profile }) => profile))}::text[], ${sql.param(prices.map(({ usdPerHour }) => usdPerHour))}::float8[],
      ${sql.param(prices.map(({ referenceCores }) => referenceCores))}::float8[]) as p(profile, usd, cores) on p.profile = d.profile`;
}

/** Every device that sent anything, and whether it sent such an event. */
function eventCounts(question: FiguresQuestion): SQL {
  const rows = rowsOf(question, sql`(${ofSubject(question)}) as is_such`, sql`true`);
  return sql`select device, is_now, max(case when is_such then 1 else 0 end)::float8 as a, 1::float8 as b
    from (${rows}) as s group by device, is_now`;
}

/** Quantiles: of the cohort, and of each device. */
function sketchQuery(question: FiguresQuestion): SQL {
  const level = sql`${question.measure.level ?? 0.5}::float8`;
  const rows = rowsOf(question, sql`r.bins`, sql`${ofSubject(question)} and r.bins is not null`);
  return sql`with cohort as (select device from (${cohortOf(question.devices)}) as c order by md5(device) limit ${SKETCH_DEVICES_MAXIMUM}),
  sketches as (select device, is_now, bin, sum(n)::float8 as n from (${rows}) as s
    cross join lateral unnest(s.bins) with ordinality as b(n, bin)
    where n > 0 group by device, is_now, bin),
  running as (select device, is_now, bin, n, sum(n) over (partition by device, is_now order by bin) as upto,
    sum(n) over (partition by device, is_now) as total from sketches),
  pooled as (select is_now, bin, sum(n) as n from sketches group by is_now, bin),
  pooled_running as (select is_now, bin, n, sum(n) over (partition by is_now order by bin) as upto,
    sum(n) over (partition by is_now) as total from pooled),
  place as (select distinct on (is_now) is_now, bin, greatest(0, (${level} * total - (upto - n)) / n) as fraction
    from pooled_running where upto >= ${level} * total order by is_now, bin),
  counted as (select s.device, s.is_now, sum(s.n) as b,
    sum(case when s.bin < p.bin then s.n when s.bin = p.bin then s.n * p.fraction else 0 end) as a
    from sketches s join place p on p.is_now = s.is_now group by s.device, s.is_now),
  own as (select distinct on (device, is_now) device, is_now,
    e.edges[bin] + greatest(0, (${level} * total - (upto - n)) / n) * (e.edges[bin + 1] - e.edges[bin]) as log
    from running cross join (select ${edgesLiteral} as edges) as e
    where upto >= ${level} * total and total >= ${DEVICE_INFERENCES_MINIMUM} order by device, is_now, bin),
  ${pairs},
  sketch as (select jsonb_build_object('now', coalesce(jsonb_object_agg(bin, n) filter (where is_now), '{}'),
    'past', coalesce(jsonb_object_agg(bin, n) filter (where not is_now), '{}')) as bins from pooled)
  select ${sums}, sketch.bins from pairs cross join log_sums cross join sketch group by ${logColumns}, sketch.bins`;
}

/** Both sides of each device in one row, and what the logarithms of devices sum up to. */
const pairs = sql`pairs as (select device, max(a) filter (where is_now) as na, max(b) filter (where is_now) as nb,
    max(a) filter (where not is_now) as pa, max(b) filter (where not is_now) as pb from counted group by device),
  log_pairs as (select device, max(log) filter (where is_now) as n, max(log) filter (where not is_now) as p from own group by device),
  log_sums as (select count(n)::float8 as log_now_devices, coalesce(sum(n), 0) as log_now_sum, coalesce(sum(n * n), 0) as log_now_squares,
    count(n - p)::float8 as log_change_devices, coalesce(sum(n - p), 0) as log_change_sum,
    coalesce(sum((n - p) * (n - p)), 0) as log_change_squares from log_pairs)`;

const logColumns = sql`log_now_devices, log_now_sum, log_now_squares, log_change_devices, log_change_sum, log_change_squares`;

const sums = sql`count(na)::float8 as now_devices, coalesce(sum(na), 0) as now_a, coalesce(sum(nb), 0) as now_b,
    coalesce(sum(na * na), 0) as now_aa, coalesce(sum(na * nb), 0) as now_ab, coalesce(sum(nb * nb), 0) as now_bb,
    count(pa)::float8 as past_devices, coalesce(sum(pa), 0) as past_a, coalesce(sum(pb), 0) as past_b,
    coalesce(sum(pa * pa), 0) as past_aa, coalesce(sum(pa * pb), 0) as past_ab, coalesce(sum(pb * pb), 0) as past_bb,
    coalesce(sum(na * pa), 0) as cross_aa, coalesce(sum(na * pb), 0) as cross_ab,
    coalesce(sum(nb * pa), 0) as cross_ba, coalesce(sum(nb * pb), 0) as cross_bb, ${logColumns}`;
