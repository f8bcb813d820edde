import type { BuildJob } from '@starling/shared';
import type { Tone } from './tag.tsx';

export const buildTones: Record<BuildJob['state'], Tone> = {
  queued: 'idle',
  running: 'busy',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
};
