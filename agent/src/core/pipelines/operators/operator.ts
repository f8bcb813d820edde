import type { OperatorName, OperatorParams } from '@starling/shared';
import type { ImageCodec } from '../../ports/image-codec.ts';

/** What the runtime lends to operators. */
export interface OperatorContext {
  codec: ImageCodec;
  /** Bytes of an asset of the release, by model and asset name. */
  asset(model: string, asset: string): Promise<Uint8Array>;
  allocateFloat32(length: number): Float32Array;
}

/** The item that a run is for. */
export interface OperatorItem {
  /** Where it came from: items of one stream follow each other. */
  stream: string;
  /** Counts the items of the stream, from 0. Those that were dropped on the way are missing. */
  sequence: number;
  /** The number by which whoever watches knows it: in a pipeline inside another that of the item of the outermost one. */
  seenAs: number;
  /** When it was taken, in milliseconds since 1970; never before the item ahead of it in its stream. */
  timeMs: number;
  /** Names what comes of it, where that leaves the device. */
  resultId?: string | undefined;
  /** Of an item whose way is recorded: what another machine needs to go on with its trace (W3C Trace Context). */
  traceparent?: string | undefined;
  /** Aborted when nobody waits for the item any more. */
  signal: AbortSignal;
  /** What this node keeps for the stream, made at its first item. Only for operators whose signature says `stateful`. */
  state<State extends object>(create: () => State): State;
}

/**
 * One run of an operator: inputs and outputs by port name, as its signature in `shared` states them. A port that is missing in the
 * answer stays away for this item: what comes behind it does not run. What needs no waiting answers at once, without a promise.
 */
export type OperatorRun<Params> = (
  inputs: Readonly<Record<string, unknown>>,
  params: Params,
  context: OperatorContext,
  item: OperatorItem,
) => Record<string, unknown> | Promise<Record<string, unknown>>;

/** An operator for every signature: a missing one does not compile. */
export type OperatorTable = { readonly [Name in OperatorName]: OperatorRun<OperatorParams<Name>> };
