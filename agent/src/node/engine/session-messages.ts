import type { SessionSettings, TensorPort } from '@starling/shared';
import type { Tensor } from '../../core/ports/engine.ts';
import type { OptimisedCache } from './optimised-model.ts';

/** What the runtime host asks a session worker. */
export type SessionRequest =
  | { id: number; type: 'open'; location: string; settings: SessionSettings; unoptimised: boolean; cache: OptimisedCache | undefined }
  | { id: number; type: 'run'; inputs: Readonly<Record<string, Tensor>> };

export type SessionReply =
  | { id: number; type: 'opened'; inputNames: string[]; outputNames: string[]; inputs: TensorPort[] }
  | { id: number; type: 'ran'; outputs: Record<string, Tensor> }
  | { id: number; type: 'failed'; message: string };
