import type { Reading } from '@starling/shared';

/** What the hand-written loop is given at its start. */
export interface LoopFiles {
  detection: string;
  recognition: string;
  dictionary: string;
  threads: number;
  batchMaximum: number;
  /** Parameters of the pipeline's nodes, so that both sides do the same. */
  params: Record<'resize' | 'normalise' | 'read' | 'collect', unknown>;
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
