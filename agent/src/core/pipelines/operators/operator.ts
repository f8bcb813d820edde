import type { OperatorName, OperatorParams } from '@starling/shared';
import type { ImageCodec } from '../../ports/image-codec.ts';

/** What the runtime lends to operators. */
export interface OperatorContext {
  codec: ImageCodec;
  /** Bytes of an asset of the release, by model and asset name. */
  asset(model: string, asset: string): Promise<Uint8Array>;
  allocateFloat32(length: number): Float32Array;
}

/** One run of an operator: inputs and outputs by port name, as its signature in `shared` states them. */
export type OperatorRun<Params> = (
  inputs: Readonly<Record<string, unknown>>,
  params: Params,
  context: OperatorContext,
) => Promise<Record<string, unknown>>;

/** An operator for every signature: a missing one does not compile. */
export type OperatorTable = { readonly [Name in OperatorName]: OperatorRun<OperatorParams<Name>> };
