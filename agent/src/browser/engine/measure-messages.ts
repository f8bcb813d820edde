import type { SessionSettings } from '@starling/shared';
import type { HostFailure } from '../../core/hosting/index.ts';
import type { Burst, MeasuredModel, MeasureSession } from '../../core/ports/measure-host.ts';

/** What a measuring worker is asked, one after the other. */
export type MeasureRequest =
  | { call: 'open'; home: string; providers: readonly string[]; threads: number; model: MeasuredModel; ladder: readonly SessionSettings[] }
  | { call: 'burst'; runs: number }
  /** Times a small model on one provider. */
  | { call: 'probe'; provider: string; threads: number };

export type OpenedModel = Omit<MeasureSession, 'burst' | 'close'>;

export type MeasureReply =
  | { type: 'opened'; opened: OpenedModel }
  | { type: 'ran'; burst: Burst }
  | { type: 'probed'; medianMs: number }
  | { type: 'failed'; error: HostFailure };
