import type { StarlingErrorDetails } from '@starling/shared';
import type { ChosenArm } from '../experiments/index.ts';
import type {
  HostEvent,
  HostExperiment,
  InferInput,
  InferOptions,
  InstalledRelease,
  PlacementState,
  ReplayRequest,
  TapRequest,
} from '../ports/runtime-host.ts';

/** Calls that cross from the control plane to the runtime host. Only inputs and plain data, never tensors. */
export interface HostCalls {
  load: [release: InstalledRelease];
  selfTest: [key: string];
  activate: [key: string];
  unload: [key: string];
  live: [];
  infer: [input: InferInput, options: Omit<InferOptions, 'signal'> & ChosenArm];
  experiment: [experiment: HostExperiment | null];
  tap: [request: TapRequest];
  untap: [tap: string];
  replay: [request: ReplayRequest];
  loadModel: [model: string];
  freeModel: [model: string];
  trace: [ratio: number];
  placement: [state: PlacementState];
  stream: [from: string, topic: { pipeline: string; part: string }, payload: Uint8Array];
}

export type HostCallName = keyof HostCalls;

export type HostRequest =
  | { [Name in HostCallName]: { id: number; call: Name; arguments: HostCalls[Name] } }[HostCallName]
  | { id: number; call: 'cancel'; arguments: [call: number] }
  /** Answered at once with `alive`. */
  | { id: number; call: 'ask'; arguments: [] };

export interface HostFailure extends Pick<StarlingErrorDetails, 'field' | 'hint' | 'retryable'> {
  code: string;
  message: string;
}

export type HostReply =
  | { type: 'ready' }
  | { type: 'alive' }
  /** The last that is heard of a host: a native run hangs, and it ends itself. */
  | { type: 'hung'; reason: string }
  | { type: 'answer'; id: number; value: unknown }
  | { type: 'failure'; id: number; error: HostFailure }
  | { type: 'event'; event: HostEvent };
