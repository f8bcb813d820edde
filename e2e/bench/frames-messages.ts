import type { Reading } from '@starling/shared';
import type { LoopSettings } from './reading-loop.ts';

/** What the hand-written loop is given at its start. */
export interface LoopFiles extends LoopSettings {
  detection: string;
  recognition: string;
  dictionary: string;
  threads: number;
}

export interface LoopRequest {
  id: number;
  image: Uint8Array;
}

/** The reply with id 0 says that the models are loaded. */
export interface LoopReply {
  id: number;
  readings: Reading[];
}
