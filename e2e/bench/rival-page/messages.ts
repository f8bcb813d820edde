import type { Quad } from '../../../agent/src/core/pipelines/operators/index.ts';

/** What the page tells its worker first: where its files are, and the parameters of the pipeline that it does by hand. */
export interface RivalStart {
  detection: string;
  recognition: string;
  dictionary: string;
  threads: number;
  /** Pictures are shown, with what was read in them. */
  shows: boolean;
}

export interface RivalRequest {
  name: string;
  file: File;
}

export interface Line {
  quad: Quad;
  text: string;
}

export type RivalReply =
  | { type: 'ready' }
  | { type: 'read'; name: string; lines: Line[]; picture?: ImageBitmap | undefined }
  | { type: 'failed'; reason: string };
