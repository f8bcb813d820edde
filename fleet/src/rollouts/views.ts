import type { RolloutDetail, RolloutState, RolloutView, RolloutWave } from '@starling/shared';
import type { Queryable } from '../db/index.ts';
import { planSteps } from './plan-waves.ts';
import { isOver } from './states.ts';
import { type ApprovalRow, approvalsOf, endingsOf, type RolloutRow } from './store.ts';
import { failuresOf, noCounts, type Tally, tallyOf } from './targets-store.ts';

/** States in which no further step begins, whatever is still under way. */
const cutShort: ReadonlySet<RolloutState> = new Set(['aborting', 'aborted', 'stopping', 'stopped', 'rolling-back', 'rolled-back']);

/** @param ending what ended it before it was done */
function viewOf(row: RolloutRow, tally: Tally, ending: string | undefined): RolloutView {
  const { id, name, release, releaseName, state, step, waiting, priority, createdAtMs, createdBy, startedAtMs, finishedAtMs } = row;
  const steps = planSteps(row.spec);
  const isInStep = (state === 'running' || state === 'paused') && startedAtMs !== null;
  return {
    ...{ id, name, release, releaseName, state, step, waiting: isOver(state) ? null : waiting, priority },
    ...{ createdAtMs, createdBy, startedAtMs, finishedAtMs, steps: steps.length, counts: tally.counts, total: tally.total },
    stepName: isInStep ? (steps[step]?.name ?? null) : null,
    why: state === 'paused' ? (waiting?.text ?? null) : cutShort.has(state) ? (ending ?? null) : null,
  };
}

export async function viewsOf(db: Queryable, rows: readonly RolloutRow[]): Promise<RolloutView[]> {
  const ids = rows.map(({ id }) => id);
  const tallies = await tallyOf(db, ids);
  const endings = await endingsOf(db, ids);
  return rows.map((row) => viewOf(row, tallies.get(row.id) as Tally, endings.get(row.id)));
}

export async function detailOf(db: Queryable, row: RolloutRow, analysis: unknown): Promise<RolloutDetail> {
  const tally = (await tallyOf(db, [row.id])).get(row.id) as Tally;
  const approvals = await approvalsOf(db, row.id);
  return {
    ...viewOf(row, tally, (await endingsOf(db, [row.id])).get(row.id)),
    spec: row.spec,
    waves: wavesOf(row, tally, approvals),
    failures: await failuresOf(db, row.id, false),
    ...(analysis === undefined ? {} : { analysis }),
  };
}

function wavesOf(row: RolloutRow, tally: Tally, approvals: readonly ApprovalRow[]): RolloutWave[] {
  return planSteps(row.spec).map(({ name, kind }, step) => {
    const wave = tally.waves.get(step);
    return {
      ...{ step, name, kind, state: waveState(step, row) },
      ...{ started: wave?.started ?? 0, counts: wave?.counts ?? noCounts() },
      approvals: approvals.filter((each) => each.step === step).map(({ name: person, atMs }) => ({ name: person, atMs })),
      ...{ startedAtMs: wave?.startedAtMs ?? null, finishedAtMs: wave?.finishedAtMs ?? null },
    };
  });
}

function waveState(step: number, { step: present, state, startedAtMs }: RolloutRow): RolloutWave['state'] {
  if (step < present) return 'done';
  // One that is taken back after it succeeded has no step left; one that never began was in none.
  if (cutShort.has(state)) return step === present && startedAtMs !== null ? 'stopped' : 'skipped';
  return step === present && state !== 'scheduled' && state !== 'following' && !isOver(state) ? 'active' : 'next';
}
