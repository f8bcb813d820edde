import { type AnalysisReference, durationMs } from '@starling/shared';
import { type Judged, type RolloutFacts, startOf } from './advance.ts';
import { gateStepOf, WHOLE_ROLLOUT } from './gates.ts';
import { JUDGE_INTERVAL_MS, RECONNECT_GRACE_MS } from './limits.ts';
import { planSteps } from './plan-waves.ts';
import type { RolloutPorts } from './ports.ts';
import { countEligible } from './starting-store.ts';
import { approvalsOf, type RolloutRow } from './store.ts';
import { cohortOf, failuresOf, noCounts, type Tally, tallyOf } from './targets-store.ts';

interface Judgement extends Judged {
  detail: unknown;
  atMs: number;
  /** What was judged: a step and its start, or the whole. */
  of: string;
}

export interface FactGatherer {
  gather(row: RolloutRow): Promise<RolloutFacts>;
  /** The newest judgement of a rollout, with its figures. */
  judgement(rollout: string): Omit<Judgement, 'of'> | undefined;
}

/** Reads everything that a decision about a rollout rests on. */
export function createFactGatherer(ports: RolloutPorts, startedAtMs: number): FactGatherer {
  const { db, clock, analysis } = ports;
  const judgements = new Map<string, Judgement>();
  const shown = new Map<string, Judgement>();
  const objections = new Map<string, { text: string; atMs: number }>();
  return {
    judgement: (rollout) => shown.get(rollout),
    async gather(row) {
      const nowMs = clock.nowMs();
      const steps = planSteps(row.spec);
      const tally = (await tallyOf(db, [row.id])).get(row.id) as Tally;
      const { counts } = tally;
      const step = row.state === 'running' ? steps[row.step] : undefined;
      const wave = tally.waves.get(row.step)?.counts ?? noCounts();
      // Of a step by count everybody who was never started is eligible, and who can be reached matters once nobody is on the way.
      const isByLabel = step?.kind === 'setLabel';
      const isCounted = isByLabel || (step?.kind.startsWith('set') === true && wave.assigned + wave.waiting === 0 && tally.unstarted > 0);
      const ways = isCounted
        ? await countEligible(db, { rollout: row.id, step: step.step, nowMs })
        : { eligible: tally.unstarted, reachable: tally.unstarted };
      const approves = step?.kind === 'approve';
      const isWatched = row.spec.analysis !== undefined && counts.succeeded > 0 && (row.state === 'running' || row.state === 'following');
      return {
        ...{ state: row.state, spec: row.spec, steps, step: row.step, stepStartedAtMs: row.stepStartedAtMs, nowMs },
        ...{ followedSinceMs: row.followedSinceMs, acceptedFailures: row.acceptedFailures },
        ...{ counts, total: tally.total, started: tally.started, wave, ...ways },
        graceOver: nowMs - startedAtMs >= (ports.reconnectGraceMs ?? RECONNECT_GRACE_MS),
        failures: counts.failed + counts['timed-out'] > 0 ? await failuresOf(db, row.id, true) : [],
        approvals: approves ? (await approvalsOf(db, row.id)).filter((approval) => approval.step === row.step).length : 0,
        objection: row.state === 'scheduled' && nowMs >= startOf(row.spec.startAt) ? await objectionTo(row) : undefined,
        judged:
          step !== undefined && 'analyse' in step.step
            ? await judgeAgain(row, gateStepOf(row.step, row.stepStartedAtMs), step.step.analyse, {
                sinceMs: row.stepStartedAtMs,
                endsAtMs: row.stepStartedAtMs + durationMs(step.step.for),
              })
            : undefined,
        background:
          isWatched && row.spec.analysis !== undefined
            ? await judgeAgain(row, WHOLE_ROLLOUT, row.spec.analysis, { sinceMs: row.startedAtMs ?? row.createdAtMs })
            : undefined,
      };
    },
  };

  /** Those who do not agree are asked again as often as gates are judged. */
  async function objectionTo({ id, name, spec }: RolloutRow): Promise<string | undefined> {
    if (spec.analysis === undefined) return undefined;
    const nowMs = clock.nowMs();
    const known = objections.get(id);
    if (known !== undefined && nowMs - known.atMs < JUDGE_INTERVAL_MS && nowMs >= known.atMs) return known.text;
    const text = await analysis.objection({ id, name }, spec.analysis);
    if (text === undefined) objections.delete(id);
    else objections.set(id, { text, atMs: clock.nowMs() });
    return text;
  }

  async function judgeAgain(
    row: RolloutRow,
    of: string,
    reference: AnalysisReference,
    { sinceMs, endsAtMs }: { sinceMs: number; endsAtMs?: number },
  ): Promise<Judged> {
    const nowMs = clock.nowMs();
    const key = `${row.id} ${of}`;
    const known = judgements.get(key);
    if (known !== undefined && nowMs - known.atMs < JUDGE_INTERVAL_MS && nowMs >= known.atMs) return known;
    const candidate = { devices: cohortOf(row.id, 'candidate'), assigned: cohortOf(row.id, 'assigned'), release: row.release };
    const control = { devices: cohortOf(row.id, 'control'), release: undefined };
    const question = { rollout: row.id, name: row.name, step: of, analysis: reference, candidate, control, sinceMs, nowMs };
    const found = await analysis.judge(endsAtMs === undefined ? question : { ...question, endsAtMs });
    // An answer may have taken longer than the time after which one is asked again.
    const judgement = { ...found, atMs: clock.nowMs(), of };
    judgements.set(key, judgement);
    shown.set(row.id, judgement);
    return judgement;
  }
}
