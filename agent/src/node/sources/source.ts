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

/** The texts among outputs, for a line of the log; undefined where a pipeline reads none. */
export function textsOf({ readings }: Readonly<Record<string, unknown>>): string[] | undefined {
  return Array.isArray(readings) ? readings.map(({ text }: { text?: unknown }) => String(text)) : undefined;
}
