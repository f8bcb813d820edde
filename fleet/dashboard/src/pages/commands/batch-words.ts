import { type BatchState, type BatchTargetState, batchTargetStateSchema, type CommandBatchView } from '@starling/shared';
import { commandTones } from '../../parts/command-outcome.ts';
import type { CountPart } from '../../parts/count-bar.tsx';
import type { Tone } from '../../parts/tag.tsx';

const tones: Record<BatchState, Tone> = { running: 'busy', done: 'good', stopped: 'bad', cancelled: 'idle' };

/** Done means that nobody is left to be sent it: whether it went well, the answers say. */
export function toneOf({ state, counts }: Pick<CommandBatchView, 'state' | 'counts'>): Tone {
  return state === 'done' && (counts.failed ?? 0) + (counts.expired ?? 0) > 0 ? 'warn' : tones[state];
}

/** After a number of devices. */
const words: Record<BatchTargetState, string> = {
  waiting: 'wait for their turn',
  queued: 'are away, and get it when they are back',
  sent: 'were sent it',
  accepted: 'work on it',
  progress: 'tell how far they are',
  done: 'are done',
  failed: 'failed',
  expired: 'did not answer in time',
  cancelled: 'were let off',
};

/** In the order of a bar: what is done, what goes wrong, what goes on, what is to come. */
const order: readonly BatchTargetState[] = ['done', 'failed', 'expired', 'progress', 'accepted', 'sent', 'queued', 'waiting', 'cancelled'];

export function partsOf({ counts }: Pick<CommandBatchView, 'counts'>): CountPart[] {
  return order.flatMap((state) => {
    const devices = counts[state] ?? 0;
    return devices === 0 ? [] : [{ key: state, tone: commandTones[state], devices, words: words[state] }];
  });
}

export const targetStates = batchTargetStateSchema.options;

/** Devices that have answered, or will not any more. */
export function endedOf({ counts }: Pick<CommandBatchView, 'counts'>): number {
  return (['done', 'failed', 'expired', 'cancelled'] as const).reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}
