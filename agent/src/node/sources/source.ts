import type { InferenceResult } from '@starling/shared';
import type { Log } from '../../core/ports/log.ts';

export interface SourcePorts {
  /** Runs an image; rejects while no release runs. */
  infer(image: Uint8Array, source: string): Promise<InferenceResult>;
  log: Log;
}

export interface Source {
  close(): Promise<void>;
}
