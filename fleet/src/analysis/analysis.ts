import {
  type Actor,
  type AnalysisObjective,
  type AnalysisRef,
  type AnalysisResult,
  type AnalysisSpec,
  type AnalysisTemplate,
  analysisMeasures,
  analysisRefSchema,
  analysisSpecSchema,
  firstProblemOf,
  type MetricJudgement,
  type MetricQuery,
  mergeAnalysis,
  messageOf,
  nearestName,
  type PageQuery,
  type RolloutMetric,
  StarlingError,
} from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { appendAudit } from '../audit/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock, Log } from '../ports.ts';
import { bucketOf } from '../telemetry/index.ts';
import { type CohortSide, cohortAt, readCohorts } from './cohort-store.ts';
import { sourceOf } from './device-figures.ts';
import { type Cohort, figuresQuery, type ProfilePrice } from './figures-sql.ts';
import { judgeMetric } from './judge-metric.ts';
import type { CohortFigures } from './moments.ts';
import { requireMeasurable } from './require-measurable.ts';
import {
  censusQuery,
  deleteTemplate,
  failedMeasurement,
  figuresOf,
  findLook,
  findTemplate,
  insertMeasurement,
  type LookQuery,
  type Measurement,
  newestMeasurements,
  newestOfRollout,
  plotOf,
  pointOf,
  readCensus,
  readFigureRow,
  selectTemplates,
  textOf,
  upsertTemplate,
} from './store.ts';
import { sampleRatioOf, verdictOf } from './verdict.ts';

export interface JudgeQuestion {
  spec: AnalysisSpec;
  candidate: Cohort & { release: string };
  control?: Cohort | undefined;
  /** Instead of a control: another release on the same devices in the same time, each device against itself. */
  against?: string | undefined;
  /** Where the analysis began. */
  sinceMs: number;
  nowMs: number;
  /** Where it ends: what is not decided by then is inconclusive. */
  endsAtMs?: number | undefined;
  /** Keeps what is measured, under the rollout and a step of it. */
  rollout?: { id: string; step: string } | undefined;
}

export interface Analysis {
  judge(question: JudgeQuestion): Promise<AnalysisResult>;
  /**
   * The analysis that a rollout gets: the name of a template, or a reference.
   * @throws StarlingError `unknown-template`, `bad-document`
   */
  resolve(reference: unknown): Promise<AnalysisSpec>;
  /** Newest measurement of each metric of a rollout, with what they were at each look. */
  ofRollout(rollout: string): Promise<RolloutMetric[]>;
  /** The statements behind the figures of a look at a metric, the newest if none is named. @throws StarlingError `not-found` */
  queriesOf(rollout: string, metric: string, look?: LookQuery): Promise<{ step: string; measuredAtMs: number; queries: MetricQuery[] }>;
  templates: {
    list(page: PageQuery): Promise<{ items: AnalysisTemplate[]; total: number }>;
    /** @throws StarlingError `unknown-template` */
    show(name: string): Promise<AnalysisTemplate>;
    put(name: string, spec: AnalysisSpec, actor: Pick<Actor, 'name'>): Promise<AnalysisTemplate>;
    remove(name: string, actor: Pick<Actor, 'name'>): Promise<void>;
  };
}

export interface AnalysisPorts {
  db: Database;
  clock: Clock;
  log: Log;
  prices: readonly ProfilePrice[];
}

/** A device that has just changed over has had no time to send anything. */
const CENSUS_GRACE_MS = 3 * 60_000;

export function createAnalysis(ports: AnalysisPorts): Analysis {
  const { db, clock } = ports;
  const template = async (name: string): Promise<AnalysisTemplate> => {
    const found = await findTemplate(db, name);
    if (found !== undefined) return found;
    const { items } = await selectTemplates(db, { limit: 200, offset: 0 });
    const nearest = nearestName(
      name,
      items.map((item) => item.name),
    );
    throw new StarlingError('unknown-template', `there is no analysis template "${name}"`, {
      field: 'template',
      hint: nearest === undefined ? 'see "starling analysis template list"' : `did you mean ${nearest}?`,
    });
  };
  return {
    judge: (question) => judge(ports, question),
    async resolve(given) {
      const parsed = analysisRefSchema.safeParse(typeof given === 'string' ? { template: given } : given);
      if (!parsed.success) throw badAnalysis(firstProblemOf(parsed.error));
      const reference: AnalysisRef = parsed.data;
      return mergeAnalysis(reference.template === undefined ? undefined : (await template(reference.template)).spec, reference);
    },
    async ofRollout(rollout) {
      const newest = await newestOfRollout(db, rollout);
      return Promise.all(newest.map((kept) => describeKept(db, kept)));
    },
    async queriesOf(rollout, metric, look = {}) {
      const found = await findLook(db, rollout, metric, look);
      if (found !== undefined) return found;
      const which = look.atMs === undefined && look.step === undefined ? '' : ' at that look';
      throw new StarlingError('not-found', `nothing was measured of "${metric}" for rollout "${rollout}"${which}`, {
        field: 'metric',
        hint: 'metrics are named as the objectives of its analysis; they are measured from its first analysis on',
      });
    },
    templates: {
      list: (page) => selectTemplates(db, page),
      show: template,
      async put(name, spec, actor) {
        const row = { name, spec: requireMeasurable(analysisSpecSchema.parse(spec)), changedAtMs: clock.nowMs(), changedBy: actor.name };
        await db.transaction(async (tx) => {
          await upsertTemplate(tx, row);
          await appendAudit(tx, clock, actor, 'analysis-template.put', name);
        });
        return row;
      },
      async remove(name, actor) {
        await template(name);
        await db.transaction(async (tx) => {
          await deleteTemplate(tx, name);
          await appendAudit(tx, clock, actor, 'analysis-template.remove', name);
        });
      },
    },
  };
}

function badAnalysis({ field, message }: { field?: string | undefined; message: string }): StarlingError {
  return new StarlingError('bad-document', message, field === undefined || field === '' ? {} : { field });
}

async function describeKept(db: Database, { rollout, step, metric, atMs, judgement, error }: Measurement): Promise<RolloutMetric> {
  const plot = await plotOf(db, rollout, step, metric);
  return { step, name: metric, measuredAtMs: atMs, judgement: judgement === null ? null : { ...judgement, plot }, error };
}

async function judge(ports: AnalysisPorts, question: JudgeQuestion): Promise<AnalysisResult> {
  const { spec, nowMs, endsAtMs } = question;
  const isFinal = endsAtMs !== undefined && nowMs >= endsAtMs;
  const metrics: MetricJudgement[] = [];
  const lasting = onceAsked(() => lastingQuestion(ports.db, question));
  for (const objective of spec.objectives) metrics.push(await judgeObjective(ports, { ...question, lasting }, objective, isFinal));
  const census = await censusOf(ports.db, question);
  const sampleRatio = census === null ? null : sampleRatioOf(census);
  return { ...verdictOf(metrics, sampleRatio, isFinal), metrics, sampleRatio };
}

/** A question whose cohorts are read once, and only where something is measured. */
interface Look extends JudgeQuestion {
  lasting(): Promise<JudgeQuestion>;
}

function onceAsked<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let asked: Promise<Value> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

/** What is kept of a look has to give the same later, so its cohorts are those of this moment; where nothing is kept they are asked as given. */
async function lastingQuestion(db: Database, question: JudgeQuestion): Promise<JudgeQuestion> {
  const { rollout, candidate, control } = question;
  if (rollout === undefined) return question;
  const reading = await readCohorts(db, rollout.id, {
    candidate: candidate.devices,
    ...(candidate.assigned === undefined ? {} : { assigned: candidate.assigned }),
    ...(control === undefined ? {} : { control: control.devices }),
  });
  const at = (side: CohortSide): SQL => cohortAt(rollout.id, side, reading);
  return {
    ...question,
    candidate: { ...candidate, devices: at('candidate'), ...(candidate.assigned === undefined ? {} : { assigned: at('assigned') }) },
    control: control === undefined ? undefined : { ...control, devices: at('control') },
  };
}

async function censusOf(db: Database, { spec, candidate, control, sinceMs, nowMs }: JudgeQuestion) {
  if (!spec.sampleRatio || control === undefined || nowMs - sinceMs < CENSUS_GRACE_MS) return null;
  const fromMs = bucketOf(sinceMs);
  return {
    candidate: await readCensus(db, censusQuery(candidate, fromMs)),
    control: await readCensus(db, censusQuery(control, fromMs)),
  };
}

/** The chance of one gate to be ever wrong: that of the analysis, shared equally by its gates (Bonferroni). A dry run takes nothing away. */
export function alphaOf({ confidence, objectives }: Pick<AnalysisSpec, 'confidence' | 'objectives'>): number {
  return (1 - confidence) / Math.max(1, objectives.filter(({ dryRun }) => !dryRun).length);
}

/** Within its interval, and once it is refuted, what is known of a metric stands; else it is measured. */
async function judgeObjective(
  ports: AnalysisPorts,
  question: Look,
  objective: AnalysisObjective,
  isFinal: boolean,
): Promise<MetricJudgement> {
  const { db } = ports;
  const { nowMs, rollout } = question;
  if (rollout === undefined) return (await measure(ports, question, objective, isFinal)).judgement;
  const withPlot = async (judgement: MetricJudgement): Promise<MetricJudgement> => ({
    ...judgement,
    plot: await plotOf(db, rollout.id, rollout.step, objective.name, question.sinceMs),
  });
  const failed = await failedMeasurement(db, rollout.id, rollout.step, objective.name);
  if (failed?.judgement != null) return withPlot(failed.judgement);
  const known = await newestMeasurements(db, rollout.id, rollout.step, objective.name, objective.errorsAllowed + 1);
  const [newest] = known;
  const isFresh = newest !== undefined && nowMs - newest.atMs < objective.intervalMs && nowMs >= newest.atMs;
  if (isFresh && newest.judgement !== null && !(isFinal && newest.judgement.verdict === 'running')) return withPlot(newest.judgement);
  if (isFresh && newest.judgement === null) return withPlot(judgeErrors(objective, known, nowMs));
  const kept = { rollout: rollout.id, step: rollout.step, metric: objective.name, atMs: nowMs };
  try {
    const { judgement, queries } = await measure(ports, question, objective, isFinal);
    await insertMeasurement(db, { ...kept, judgement, error: null }, queries);
    return await withPlot(judgement);
  } catch (error) {
    ports.log.warn({ rollout: rollout.id, metric: objective.name, error: messageOf(error) }, 'a metric was not measured');
    const measurement = { ...kept, judgement: null, error: messageOf(error) };
    await insertMeasurement(db, measurement, []);
    return withPlot(judgeErrors(objective, [measurement, ...known], nowMs));
  }
}

/** What stands while a metric cannot be measured: the last that was known, until it has failed too often in a row. */
function judgeErrors(objective: AnalysisObjective, newestFirst: readonly Measurement[], nowMs: number): MetricJudgement {
  const errors = newestFirst.findIndex(({ judgement }) => judgement !== null);
  const inRow = errors === -1 ? newestFirst.length : errors;
  const nothing = judgeMetric({ objective, control: 'auto', adjust: false, alpha: 1, figures: null, isFinal: false, nowMs });
  const isTooOften = inRow > objective.errorsAllowed;
  const reason = `it could not be measured ${inRow} times in a row: ${newestFirst[0]?.error ?? 'unknown'}`;
  return { ...nothing, verdict: isTooOften ? 'error' : 'running', reason };
}

async function measure(
  ports: AnalysisPorts,
  question: Look,
  objective: AnalysisObjective,
  isFinal: boolean,
): Promise<{ judgement: MetricJudgement; queries: MetricQuery[] }> {
  const { spec, nowMs } = question;
  const queries: MetricQuery[] = [];
  const figures: Partial<Record<'candidate' | 'control', CohortFigures>> = {};
  for (const { side, query } of queriesOf(ports, await question.lasting(), objective)) {
    const row = await readFigureRow(ports.db, query);
    queries.push(textOf(side, query, row));
    figures[side] = figuresOf(row);
  }
  const { against } = question;
  const basis = against === undefined ? { control: spec.control, adjust: spec.adjust } : ({ control: 'own-past', adjust: false } as const);
  const judgement = judgeMetric({
    ...{ objective, isFinal, nowMs, ...basis, alpha: alphaOf(spec), isPaired: against !== undefined },
    figures: figures.candidate === undefined ? null : { candidate: figures.candidate, control: figures.control ?? null },
  });
  return { judgement: { ...judgement, plot: [pointOf(judgement, nowMs)] }, queries };
}

function queriesOf(
  { prices }: AnalysisPorts,
  { spec, candidate, control, against, sinceMs, nowMs }: JudgeQuestion,
  objective: AnalysisObjective,
): { side: 'candidate' | 'control'; query: SQL }[] {
  const source = sourceOf(objective.measure);
  if (source === null) return [];
  const common = {
    ...{ objective, source, prices, measure: analysisMeasures[objective.measure], release: candidate.release },
    ...{ sinceMs: bucketOf(sinceMs), pastFromMs: bucketOf(against === undefined ? sinceMs - spec.pastMs : sinceMs), untilMs: nowMs + 1 },
    ...(against === undefined ? {} : { against }),
    isCost: objective.measure === 'cost-per-inference',
  };
  // Those that went back, or died of it, do not run the release any more: crashes are looked for among all that were told to.
  const devices = source.a === 'any' ? (candidate.assigned ?? candidate.devices) : candidate.devices;
  const queries: { side: 'candidate' | 'control'; query: SQL }[] = [
    { side: 'candidate', query: figuresQuery({ ...common, side: 'candidate', devices }) },
  ];
  if (control !== undefined)
    queries.push({ side: 'control', query: figuresQuery({ ...common, side: 'control', devices: control.devices }) });
  return queries;
}
