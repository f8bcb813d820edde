import type { SessionSettings } from '@starling/shared';
import type { HostFailure } from '../../core/hosting/index.ts';
import type { Burst, MeasuredModel, MeasureSession } from '../../core/ports/measure-host.ts';

/** What a measure host is asked, one after the other. */
export type MeasureRequest =
  | { call: 'open'; model: MeasuredModel; ladder: readonly SessionSettings[] }
  | { call: 'burst'; runs: number }
  | { call: 'close' };

export type OpenedModel = Omit<MeasureSession, 'burst' | 'close'>;

export type MeasureReply =
  | { type: 'ready' }
  | { type: 'opened'; opened: OpenedModel }
  | { type: 'ran'; burst: Burst }
  | { type: 'closed' }
  | { type: 'failed'; error: HostFailure };
