import type { SessionSettings } from '@starling/shared';
import type { MachineSettings, ModelPorts } from './engine.ts';

/** An artefact to measure, on disk and verified. */
export interface MeasuredModel {
  name: string;
  artefact: string;
  /** What the engine loads. */
  location: string;
  /** The file of its weights, where they are apart. */
  weights?: string;
  /** Golden set (CBOR): its inputs are what is run. */
  golden: Uint8Array;
  ports: ModelPorts;
}

/** Runs without a pause between them. */
export interface Burst {
  timesMs: number[];
  /** CPU time of the process that ran them; null where they ran elsewhere, as in a server beside the agent. */
  cpuSeconds: number | null;
  wallMs: number;
  /** Largest growth of the resident memory since before the model was loaded, as far as can be told. */
  peakMemoryBytes: number | null;
}

/** A model that is loaded in a process of its own. */
export interface MeasureSession {
  /** Those of the ladder with which it loaded. */
  settings: SessionSettings;
  loadMs: number;
  /** What the golden inputs gave in the first run. */
  golden: { passed: boolean; maximumError: number; reason?: string };
  burst(runs: number): Promise<Burst>;
  close(): Promise<void>;
}

/** Processes of low priority, one per measured model, apart from those that run pipelines: what happens in them touches nobody. */
export interface MeasureHost {
  /** Execution providers that may be tried, best first. */
  readonly providers: readonly string[];
  /** How models of live pipelines are loaded for which nothing better was found out. */
  readonly machine: MachineSettings;
  /**
   * @param ladder settings to try, best first, until the model loads
   * @throws StarlingError `load-failed`, `measure-crashed`
   */
  open(model: MeasuredModel, ladder: readonly SessionSettings[], signal: AbortSignal): Promise<MeasureSession>;
}
