import type { SessionSettings, TensorElementType, TensorPort } from '@starling/shared';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Dense tensor, row-major. `data` may lie on a SharedArrayBuffer. */
export interface Tensor {
  elementType: TensorElementType;
  shape: readonly number[];
  data: TensorData;
}

/** How to load and run a model. The engine must not fall back to another provider by itself. */
export type SessionOptions = SessionSettings & {
  /** Inputs and outputs, for engines that have to be told. */
  ports?: ModelPorts;
  /** The file of the model's weights, where they are apart: it lies where the model names it, beside it under its digest. */
  weights?: string;
  /** Each operator by itself, in float between quantisation and dequantisation: slow, and the same on every processor. */
  unoptimised?: boolean;
};

/** What the machine and its operator decide for all models: threads inside one run (0 lets the engine decide) and arenas. */
export type MachineSettings = Pick<SessionSettings, 'threads' | 'arena'>;

export interface ModelPorts {
  inputs: readonly TensorPort[];
  outputs: readonly TensorPort[];
}

/** A loaded model. Runs are serial inside one session. */
export interface EngineSession {
  provider: string;
  inputNames: readonly string[];
  /** What the model's file says of its inputs, where the engine can tell. */
  inputs?: readonly TensorPort[] | undefined;
  outputNames: readonly string[];
  /** @throws StarlingError `inference-failed` */
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** What runs models: ONNX Runtime in Node or in a browser. */
export interface Engine {
  /** Execution providers that this build may offer, best first. */
  readonly providers: readonly string[];
  /** @throws StarlingError `load-failed` if the model cannot be loaded on that provider */
  open(location: string, options: SessionOptions): Promise<EngineSession>;
  /** Memory that reaches the engine without a copy: shared between threads where the runtime can. */
  allocateFloat32(length: number): Float32Array;
  close(): Promise<void>;
}
