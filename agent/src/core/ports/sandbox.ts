import type { TensorData } from './engine.ts';

/**
 * A value as it crosses into a sandbox and out of it: the part of it that JSON can say, as text, and its arrays of numbers. A tensor,
 * a picture or sound is a record: its fields, and under `field` its numbers.
 */
export type PackedValue =
  | { kind: 'json'; text: string }
  | { kind: 'array'; array: TensorData }
  | { kind: 'record'; text: string; field: string; array: TensorData }
  | { kind: 'list'; items: PackedValue[] };

/** Code of somebody else, with what it may use. */
export interface ScriptModule {
  /** A module whose default export is a function of the inputs. */
  source: string;
  /** JSON, given to each run. */
  params: string;
  /** Processor time of one run. */
  cpuMs: number;
  /** What it may have at once: its own objects, and the values that go in. */
  memoryMegabytes: number;
}

export interface ScriptCall {
  inputs: Readonly<Record<string, PackedValue>>;
  /** JSON; of scripts that keep something. */
  state?: string | undefined;
  item: { stream: string; sequence: number; timeMs: number };
  /** Decides what `Math.random` gives. */
  seed: string;
}

export interface ScriptAnswer {
  outputs: Record<string, PackedValue>;
  /** JSON: the state after the run. */
  state?: string | undefined;
}

/**
 * A script that is loaded. Runs are serial; each begins with the module as it was when it was loaded, so nothing passes from one to
 * the next but `state`. The same call gives the same answer on every runtime.
 */
export interface Script {
  /**
   * @throws StarlingError `script-failed`, `script-timeout`, `script-out-of-memory`, `script-stack-overflow`, `script-unsettled`,
   * `wrong-type`, `too-large`; `cancelled` if the script was closed
   * @param signal whoever is still in line when it is aborted is not run
   */
  run(call: ScriptCall, signal?: AbortSignal): Promise<ScriptAnswer>;
  close(): Promise<void>;
}

/** Runs other people's JavaScript without input, output, clock or chance, each script apart from all others. */
export interface Sandbox {
  /** @throws StarlingError `invalid-script` with the line, where the module cannot be loaded */
  open(module: ScriptModule): Promise<Script>;
}
