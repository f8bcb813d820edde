import type { InferenceResult, Monitor } from '@starling/shared';
import type { DriftWatch, InferenceWindow } from '../monitors/index.ts';
import type { Tracer, WorkQueue } from '../pipelines/index.ts';
import type { OpenPart } from '../placement/index.ts';
import type { InferInput, InferOptions } from '../ports/runtime-host.ts';
import type { WatchablePipeline } from './watch-edges.ts';

export interface RunOptions extends InferOptions {
  /** Given all outputs, before the policy of the release keeps some: for what stays in the runtime host. */
  outputs?: ((outputs: Readonly<Record<string, unknown>>) => void) | undefined;
}

/** One pipeline of a release, ready to run: a graph of its own, over models that it may share. */
export interface LoadedPipeline extends WatchablePipeline {
  readonly tracer: Tracer;
  readonly queue: WorkQueue;
  readonly window: InferenceWindow;
  /** By the name under which their references are kept. */
  readonly watches: ReadonlyMap<string, { name: string; monitor: Monitor; watch: DriftWatch }>;
  infer(input: InferInput, options: RunOptions): Promise<InferenceResult>;
  /** Of a pipeline of which this device runs parts for others. @throws StarlingError `unknown-part` */
  openPart?(part: string, home: string, isBeside: boolean): OpenPart;
  /** Ends its scripts. */
  close(): Promise<void>;
}
