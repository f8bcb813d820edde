import { type ExperimentState, StarlingError } from '@starling/shared';
import type { Transaction } from '../db/index.ts';
import { leaveExperiment, shareExperiment } from '../desired-state/index.ts';
import { endMembers } from './members-store.ts';
import { activeStates, type ExperimentMove, experimentTable, isOver, possibleActions } from './states.ts';
import { appendEvents, type ExperimentRow, writeExperiment } from './store.ts';

export interface Change {
  move: ExperimentMove;
  actor: string;
  nowMs: number;
  /** For the timeline, and what is known from now on. */
  text: string;
  winner?: string | null | undefined;
  rollout?: string | undefined;
  isMismatchAccepted?: boolean | undefined;
}

/**
 * Moves an experiment, with all that follows for its devices, in one transaction.
 * @returns its new state, and devices whose desired state has changed: to be told once it is committed
 * @throws StarlingError `experiment-state`
 */
export async function applyChange(
  tx: Transaction,
  row: ExperimentRow,
  change: Change,
): Promise<{ state: ExperimentState; devices: string[] }> {
  const { move, actor, nowMs, text, winner, rollout, isMismatchAccepted } = change;
  const state = experimentTable[row.state][move];
  if (state === null) throw notNow(row, move);
  await writeExperiment(tx, row.id, {
    ...{ state, reason: text },
    ...(move === 'start' ? { startedAtMs: nowMs, sharesAtMs: nowMs } : {}),
    ...(isOver(state) && !isOver(row.state) ? { finishedAtMs: nowMs } : {}),
    ...(winner === undefined ? {} : { winner }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(isMismatchAccepted === undefined ? {} : { isMismatchAccepted }),
  });
  await appendEvents(tx, row.id, nowMs, [{ kind: move, actor, text }]);
  return { state, devices: await moveDevices(tx, row, state, nowMs, text) };
}

async function moveDevices(tx: Transaction, row: ExperimentRow, state: ExperimentState, nowMs: number, text: string): Promise<string[]> {
  const challengers = row.shares.slice(1);
  if (state === 'paused')
    return shareExperiment(
      tx,
      row.id,
      challengers.map(() => 0),
    );
  if (state === 'running' && row.state === 'paused') return shareExperiment(tx, row.id, challengers);
  if (!isOver(state) || !activeStates.includes(row.state)) return [];
  await endMembers(tx, row.id, nowMs, `it is over: ${text}`.slice(0, 500));
  return leaveExperiment(tx, row.id);
}

export function notNow({ state }: Pick<ExperimentRow, 'state'>, move: ExperimentMove): StarlingError {
  const possible = possibleActions(state);
  return new StarlingError('experiment-state', `the experiment is ${state}: it cannot be asked to ${move}`, {
    field: 'action',
    hint: possible.length === 0 ? 'it is over' : `possible now: ${possible.join(', ')}`,
  });
}
