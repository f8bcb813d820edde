import type { RolloutState, TargetCounts, TargetState } from '@starling/shared';
import type { Tone } from '../../parts/tag.tsx';

export const rolloutTones: Record<RolloutState, Tone> = {
  scheduled: 'idle',
  running: 'busy',
  paused: 'warn',
  following: 'busy',
  aborting: 'bad',
  stopping: 'bad',
  'rolling-back': 'bad',
  succeeded: 'good',
  aborted: 'bad',
  stopped: 'bad',
  'rolled-back': 'bad',
};

/** Rollouts that still move devices, or may. */
export const isOpen = (state: RolloutState): boolean => !['succeeded', 'aborted', 'stopped', 'rolled-back'].includes(state);

interface TargetWords {
  tone: Tone;
  words: string;
}

/** In the order in which they stand in a bar. */
export const targetWords: Record<TargetState, TargetWords> = {
  succeeded: { tone: 'good', words: 'run it, verified' },
  unchanged: { tone: 'good', words: 'ran it already' },
  assigned: { tone: 'busy', words: 'are at it' },
  returning: { tone: 'warn', words: 'go back' },
  returned: { tone: 'warn', words: 'are back at what they had' },
  failed: { tone: 'bad', words: 'failed' },
  'timed-out': { tone: 'bad', words: 'did not answer in time' },
  unconfirmed: { tone: 'warn', words: 'were called back, and have not said so' },
  waiting: { tone: 'idle', words: 'wait' },
  skipped: { tone: 'idle', words: 'were left out' },
  superseded: { tone: 'idle', words: 'were taken by another rollout' },
  cancelled: { tone: 'idle', words: 'were called off' },
};

export interface Share {
  state: TargetState;
  devices: number;
}

/** The states that there are, in the order of a bar. */
export function sharesOf(counts: TargetCounts): Share[] {
  return (Object.keys(targetWords) as TargetState[]).flatMap((state) => {
    const devices = counts[state] ?? 0;
    return devices === 0 ? [] : [{ state, devices }];
  });
}
