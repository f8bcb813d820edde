import { type Actor, type RolloutAction, type RolloutState, type RolloutWaiting, StarlingError } from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Transaction } from '../db/index.ts';
import { applyEvent, type Change } from './carry-out.ts';
import { type PlannedStep, planSteps } from './plan-waves.ts';
import type { RolloutPorts } from './ports.ts';
import { nextRollout, type RolloutMachineEvent } from './states.ts';
import { appendEvents, approvalsOf, claimVersion, insertApproval, lockRollout, type RolloutRow, writeRollout } from './store.ts';
import { type Tally, tallyOf } from './targets-store.ts';

interface ActOptions {
  reason?: string | undefined;
  /** Only if it is at this step. */
  step?: number | undefined;
  actor: Actor;
}

/**
 * What a person asks of a rollout. It is done, and told, in one transaction; the runner sees the new state.
 * @returns the state that it has now
 */
export function act(id: string, action: RolloutAction, options: ActOptions, { db, clock }: RolloutPorts): Promise<RolloutState> {
  const nowMs = clock.nowMs();
  return db.transaction(async (tx) => {
    const row = await lockRollout(tx, id);
    if (row === undefined) throw new StarlingError('not-found', `there is no rollout ${id}`, { field: 'id' });
    if (options.step !== undefined && options.step !== row.step)
      throw new StarlingError('other-step', `the rollout is at step ${row.step}, not ${options.step}`, {
        field: 'step',
        hint: 'look at it again',
      });
    await claimVersion(tx, row);
    await appendAudit(tx, clock, options.actor, `rollout.${action}`, row.name, {
      rollout: id,
      step: row.step,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    });
    return action === 'approve' ? approve(tx, row, options, nowMs) : move(tx, row, action, options, nowMs);
  });
}

const machineEvents: Readonly<Record<Exclude<RolloutAction, 'approve'>, RolloutMachineEvent>> = {
  pause: 'pause',
  resume: 'resume',
  promote: 'step',
  abort: 'abort',
  rollback: 'rollback',
  stop: 'stop',
};

const told: Readonly<Record<Exclude<RolloutAction, 'approve'>, string>> = {
  pause: 'paused',
  resume: 'resumed',
  promote: 'promoted past the step',
  abort: 'aborted: nothing more is started',
  rollback: 'rolled back: every device gets its own previous release',
  stop: 'stopped: what is on its way is called back',
};

async function move(
  tx: Transaction,
  row: RolloutRow,
  action: Exclude<RolloutAction, 'approve'>,
  { actor, reason }: ActOptions,
  nowMs: number,
): Promise<RolloutState> {
  const event = machineEvents[action];
  const isPastSteps = action === 'promote' && row.step >= planSteps(row.spec).length;
  if (isPastSteps || nextRollout(row.state, event, row.pausedFrom) === null) throw notNow(row, action);
  const because = reason === undefined ? '' : ` (${reason})`;
  const tally = (await tallyOf(tx, [row.id])).get(row.id) as Tally;
  const waiting: RolloutWaiting | null = action === 'pause' ? { kind: 'paused', text: `paused by ${actor.name}${because}` } : null;
  const change: Change = {
    ...{ event, actor: actor.name, nowMs, waiting, text: `${told[action]}${because}` },
    // Who goes on has seen what failed so far.
    ...(action === 'resume' || action === 'promote' ? { acceptedFailures: tally.counts.failed + tally.counts['timed-out'] } : {}),
  };
  return (await applyEvent(tx, row, change)) ?? row.state;
}

function notNow(row: RolloutRow, action: RolloutAction): StarlingError {
  const possible = (Object.keys(machineEvents) as (keyof typeof machineEvents)[]).filter(
    (each) =>
      nextRollout(row.state, machineEvents[each], row.pausedFrom) !== null &&
      !(each === 'promote' && row.step >= planSteps(row.spec).length),
  );
  return new StarlingError('rollout-state', `the rollout is ${row.state}: it cannot be asked to ${action}`, {
    field: 'action',
    hint: possible.length === 0 ? 'it is over' : `possible now: ${possible.join(', ')}`,
  });
}

async function approve(tx: Transaction, row: RolloutRow, { actor, reason }: ActOptions, nowMs: number): Promise<RolloutState> {
  const planned: PlannedStep | undefined = planSteps(row.spec)[row.step];
  if (row.state !== 'running' || planned === undefined || !('approve' in planned.step)) {
    throw new StarlingError('rollout-state', `the rollout is ${row.state} and waits for no approval`, {
      field: 'action',
      hint: 'a step "approve" has to come first; see "starling rollout show"',
    });
  }
  const needed = planned.step.approve;
  if (!(await insertApproval(tx, { rollout: row.id, step: row.step, person: actor.id, name: actor.name, atMs: nowMs })))
    throw new StarlingError('already-approved', `${actor.name} has approved this step already`, {
      field: 'action',
      hint: 'another person has to',
    });
  const given = (await approvalsOf(tx, row.id)).filter(({ step }) => step === row.step).length;
  const because = reason === undefined ? '' : ` (${reason})`;
  await appendEvents(tx, row.id, nowMs, [
    { kind: 'approved', actor: actor.name, text: `${given} of ${needed} approvals${because}`, detail: { step: row.step, given, needed } },
  ]);
  await writeRollout(tx, row.id, { waiting: { kind: 'approvals', text: `${given} of ${needed} approvals` } });
  return row.state;
}
