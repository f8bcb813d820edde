import type {
  Audio,
  CommandArguments,
  CommandResultOf,
  ExperimentKey,
  ExperimentMode,
  InferenceResult,
  ParameterValues,
  Pipeline,
  PowerModel,
  Release,
  ReplayResult,
  SessionSettings,
  TapCounts,
  TapMessage,
  TelemetryKind,
} from '@starling/shared';
import type { ModelPorts } from './engine.ts';
import type { ImageInput } from './image-codec.ts';

/**
 * What is given to a pipeline: a value for its first input, or values by `input.NAME` and, for those that sources give, by `NODE.PORT`.
 * What is not named stays away.
 */
export type InferInput = ImageInput | Audio | { ports: Readonly<Record<string, unknown>> };

export interface InferOptions {
  signal?: AbortSignal | undefined;
  /** Where it comes from. Items of one source are one stream: nodes that keep something keep it for each stream. */
  source?: string | undefined;
  /** When it was taken, in milliseconds since 1970; now if it is not said. */
  timeMs?: number | undefined;
  /** W3C trace context of whoever asks. */
  traceparent?: string | undefined;
  /** Which of the pipelines of the release; the main one if it is not said. */
  pipeline?: string | undefined;
  /** Names the item, where whoever asks has a name for it: in an experiment the same one goes the same way again. */
  item?: string | undefined;
}

/** Releases that are loaded beside the active one, and which items go to them. */
export interface HostExperiment {
  id: string;
  mode: ExperimentMode;
  key: ExperimentKey;
  /** In the order of the experiment. `key`: what is loaded; null: it is off here, and its items go to the active release. */
  arms: readonly { key: string | null; release: string; share: number }[];
  /** What copies may cost. */
  shadow?: { maxCpuShare: number; maxJoulesPerHour?: number | undefined } | undefined;
}

/** A model of a release, on disk and verified. */
export interface InstalledModel {
  name: string;
  artefact: string;
  /** What the engine loads: a path in Node, a handle in a browser. */
  location: string;
  /** The file of its weights, where they are apart. */
  weights?: string;
  /** Of the model and its weights on the disk, where it came from a fleet. */
  sizeBytes?: number;
  precision: string;
  executionProviders: readonly string[];
  /** Inputs and outputs, for engines that have to be told. */
  ports?: ModelPorts;
  /** Settings that were tuned for it here. */
  settings?: SessionSettings;
  /** Golden set (CBOR) to replay before the artefact is trusted. */
  golden?: Uint8Array;
}

/** Everything that the runtime host needs to run a release; nothing in it is fetched later. */
export interface InstalledRelease {
  /** Names this load: the release and the artefacts chosen for it. */
  key: string;
  /** Digest of the release. */
  digest: string;
  release: Release;
  pipeline: Pipeline;
  /** Further pipelines that run at the same time, over the same models. */
  alongside?: readonly Pipeline[];
  models: readonly InstalledModel[];
  /** `model/asset` -> location. */
  assets: Readonly<Record<string, string>>;
  telemetryWindowMs: number;
  /** It runs the nodes of these places, for other devices; without it the nodes that belong to the device. */
  places?: readonly string[];
  /** Values that this device gives to parameters, by the name of their pipeline. */
  parameters?: Readonly<Record<string, ParameterValues>>;
  profile?: { name: string; powerModel: PowerModel };
  /** The device, which results are named after. */
  device?: string;
  /** It runs on copies: its sinks send nothing, and its results are nobody's. */
  isShadow?: boolean;
}

export interface LoadReport {
  /** Model -> execution provider that really ran. */
  providers: Record<string, string>;
  loadMs: number;
}

export interface SelfTestReport {
  passed: boolean;
  /** Largest difference to the golden outputs, relative to their largest magnitude, per model. */
  models: Record<string, { passed: boolean; maximumError: number; reason?: string; artefact: string; provider: string }>;
}

/** Items that the running pipelines have finished since the host started. */
export interface LiveLoad {
  items: number;
  totalMs: number;
}

/** What became of a release when a host that had ended loaded it again. */
export type Reload = { key: string } & ({ providers: Record<string, string>; report: SelfTestReport } | { error: unknown });

export type HostEvent =
  /** A value of a tap or a replay, or its end. */
  | { type: 'tapped'; message: TapMessage }
  | { type: 'record'; kind: TelemetryKind; payload: unknown }
  | { type: 'result'; source: string; result: InferenceResult }
  /** A sink of the pipeline got values: they are to be sent to where it says. */
  | {
      type: 'deliver';
      pipeline: string;
      release: string;
      node: string;
      values: Readonly<Record<string, unknown>>;
      item: { stream: string; sequence: number; timeMs: number; resultId?: string };
    }
  /** A challenger fails on most of its items, and the champion does not. */
  | { type: 'arm-failing'; key: string; code: string }
  /** A piece of what goes over a cut edge, for the device that runs the other side. */
  | { type: 'stream'; to: string; pipeline: string; part: string; payload: Uint8Array }
  /** A model runs, though not on the provider that would be best. */
  | { type: 'fell-back'; model: string; from: string; to: string; reason: string }
  /** `arms`: load keys of challengers that had items or copies under way. */
  | { type: 'crashed'; reason: string; itemsFailed: number; arms: string[] }
  /** It was ended on purpose, and comes back: what it watched is gone. */
  | { type: 'restarting' }
  | { type: 'recovered'; afterMs: number }
  /** Of these only those whose golden outputs came out are loaded now. */
  | { type: 'reloaded'; releases: Reload[] };

/** Who runs the parts of pipelines that run elsewhere. */
export interface PlacementState {
  isOnline: boolean;
  /** Place -> device. */
  workers: Readonly<Record<string, string>>;
  /** The signed desired state of this device, for them to see. */
  grant: string;
}

/** Which edges are to be seen, and what for. */
export type TapRequest = CommandArguments<'tap'> & {
  /** The values are kept: the release has to allow captures too, and pictures keep their size as far as there is room. */
  isCapture?: boolean;
};

/** A tap that has begun. */
export interface StartedTap {
  pipeline: string;
  release: string;
  edges: string[];
  /** Only items of this device are shown. */
  home?: string;
}

/** What is run again, with the input that came along. */
export type ReplayRequest = Omit<CommandArguments<'replay'>, 'of'> & {
  of: Exclude<CommandArguments<'replay'>['of'], { kind: 'input' }> | { kind: 'input'; input: ImageInput; port: string | undefined };
};

/**
 * The process (Node) or worker (browser) that runs pipelines. Only inputs and results cross this boundary. If it dies, calls
 * under way fail with `host-crashed`, and it comes back by itself with the releases whose golden outputs still come out.
 */
export interface RuntimeHost {
  /** Loads a release beside the active one. @throws StarlingError `load-failed`, `provider-refused`, `out-of-memory` */
  load(release: InstalledRelease): Promise<LoadReport>;
  selfTest(key: string): Promise<SelfTestReport>;
  /** New items go to this release from now on; items under way finish on the old one. */
  activate(key: string): Promise<void>;
  unload(key: string): Promise<void>;
  /** Runs one input through the active release. @throws StarlingError `no-release`, `host-crashed`, `timed-out`, ... */
  infer(input: InferInput, options?: InferOptions): Promise<InferenceResult>;
  /**
   * Sends values of edges of the active release as `tapped` events, until it ends by itself.
   * @throws StarlingError `no-release`, `unknown-edge`, `egress-refused`, `capture-refused`, `too-many-taps`
   */
  tap(request: TapRequest): Promise<StartedTap>;
  /** @returns what it counted, or undefined if there is no such tap */
  untap(tap: string): Promise<TapCounts | undefined>;
  /**
   * Runs one item through a graph of its own of the active release, and sends what its edges carried as `tapped` events.
   * @throws StarlingError `no-release`, `unknown-edge`, `egress-refused`, `no-such-item`
   */
  replay(request: ReplayRequest): Promise<ReplayResult>;
  /** Loads a model of the active release that was freed. @throws StarlingError `no-release`, `unknown-model`, `load-failed`, `self-test-failed` */
  loadModel(model: string): Promise<CommandResultOf<'model-load'>>;
  /** Frees the memory of a model of the active release until an item needs it. @throws StarlingError `no-release`, `unknown-model` */
  freeModel(model: string): Promise<CommandResultOf<'model-unload'>>;
  /** Records the way of this share of the items from now on, whatever release runs; 0 at the start. */
  trace(ratio: number): Promise<void>;
  /** Where the other parts of pipelines run, from now on. */
  placement(state: PlacementState): Promise<void>;
  /** Takes in a piece of what another device sent over a cut edge. @throws StarlingError `invalid-cbor`, `invalid-message` */
  stream(from: string, topic: { pipeline: string; part: string }, payload: Uint8Array): Promise<void>;
  /** From now on items go to these releases too, as far as they are loaded; null: to the active one alone. */
  experiment(experiment: HostExperiment | null): Promise<void>;
  live(): Promise<LiveLoad>;
  /** Ends the process and starts it again. @returns milliseconds until the active release runs again */
  restart(): Promise<number>;
  onEvent(listener: (event: HostEvent) => void): void;
  close(): Promise<void>;
}
