import type { RolloutState, RolloutWaiting } from '@starling/shared';
import type { Transaction } from '../db/index.ts';
import type { Decision } from './advance.ts';
import { nextRollout, type RolloutMachineEvent } from './states.ts';
import { appendEvents, type NewEvent, type RolloutRow, writeRollout } from './store.ts';
import { cancelWaiting } from './targets-store.ts';

export interface Change {
  event: RolloutMachineEvent;
  text: string;
  actor: string;
  nowMs: number;
  waiting?: RolloutWaiting | null;
  detail?: Record<string, unknown>;
  /** Failures so far, which a person has seen. */
  acceptedFailures?: number;
}

/**
 * Applies an event of the machine to a rollout that the transaction holds: its row, its targets where they end with it, its timeline.
 * @returns the new state; undefined where the event means nothing there
 */
export async function applyEvent(tx: Transaction, row: RolloutRow, change: Change): Promise<RolloutState | undefined> {
  const { event, text, actor, nowMs, waiting = null, detail } = change;
  const next = nextRollout(row.state, event, row.pausedFrom);
  if (next === null) return undefined;
  const isStep = event === 'step' || event === 'finish-steps';
  await writeRollout(tx, row.id, {
    state: next,
    waiting,
    pausedFrom: event === 'pause' ? row.state : null,
    ...(isStep ? { step: row.step + 1 } : {}),
    ...(isStep || event === 'resume' || event === 'begin' ? { stepStartedAtMs: nowMs } : {}),
    ...(event === 'begin' ? { startedAtMs: nowMs } : {}),
    ...(event === 'finish-steps' ? { followedSinceMs: nowMs, step: row.step } : {}),
    ...(event === 'drained' || event === 'close' ? { finishedAtMs: nowMs } : {}),
    ...(event === 'rollback' ? { finishedAtMs: null } : {}),
    ...(change.acceptedFailures === undefined ? {} : { acceptedFailures: change.acceptedFailures }),
  });
  const events: NewEvent[] = [{ kind: event, actor, text, detail: { from: row.state, to: next, step: row.step, ...detail } }];
  const ending = endings[event];
  if (ending !== undefined) {
    const cancelled = await cancelWaiting(tx, row.id, nowMs, ending);
    if (cancelled > 0)
      events.push({ kind: 'cancelled', actor, text: `${cancelled} devices were not started`, detail: { devices: cancelled } });
  }
  await appendEvents(tx, row.id, nowMs, events);
  return next;
}

/** What ends targets that were not started, and what they are told. */
const endings: Partial<Record<RolloutMachineEvent, string>> = {
  abort: 'the rollout was aborted',
  stop: 'the rollout was stopped',
  rollback: 'the rollout was rolled back',
  close: 'it did not come back in time',
};

type Mover = Exclude<Decision['do'], 'wait' | 'admit'>;

/** The event of the machine that a decision is. */
export function eventOf(decision: Extract<Decision, { do: Mover }>): Pick<Change, 'event' | 'text' | 'waiting'> {
  switch (decision.do) {
    case 'begin':
      return { event: 'begin', text: 'started' };
    case 'step':
      return { event: 'step', text: decision.text };
    case 'finish-steps':
      return { event: 'finish-steps', text: decision.text };
    case 'close':
      return { event: 'close', text: decision.text };
    case 'pause':
      return { event: 'pause', text: decision.waiting.text, waiting: decision.waiting };
    case 'fail':
      return {
        event: decision.action === 'abort' ? 'abort' : decision.action === 'rollback' ? 'rollback' : 'pause',
        text: decision.reason,
        waiting: { kind: 'threshold', text: decision.reason },
      };
    case 'drained':
      return { event: 'drained', text: 'nothing of it is on its way any more' };
  }
}
