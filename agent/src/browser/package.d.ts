/** What the package for other people's pages offers. `package-types.ts` holds it against what the code gives. */

export interface InferenceResult {
  pipeline: string;
  /** Digest of the release that ran. */
  release: string;
  /** What the release lets out, by name. */
  outputs: Record<string, unknown>;
  /** Size of the picture that coordinates are of. */
  image?: { width: number; height: number } | undefined;
  latencyMs: number;
  nodesMs: Record<string, number>;
}

export interface BrowserAgentStatus {
  phase: 'starting' | 'other-tab' | 'measuring' | 'enrolling' | 'running' | 'failed' | 'closed';
  /** An operator has to approve this device first. */
  pending: boolean;
  threads: number;
  agent?: { device: string; link: string; spoolBytes: number } | undefined;
  problem?: { code: string; message: string; field?: string | undefined; hint?: string | undefined } | undefined;
}

export interface CreateAgentOptions {
  /** Address of the fleet, e.g. `https://fleet.example`. */
  fleet: string;
  /** Claim token, for a browser that is not enrolled yet. */
  token?: string;
  /** Where pictures are drawn, with what was read in them. */
  canvas?: HTMLCanvasElement;
  /** Name of what this agent keeps in this browser; one page may run several agents by different names. */
  name?: string;
  /** Execution providers that may be tried: `webgpu`, `wasm`. By default those that measured well here. */
  providers?: readonly string[];
  /** Threads of one model run. By default as many as run well here. */
  threads?: number;
  /** A model run that takes longer is taken for hung, and its worker is replaced. */
  runTimeoutMs?: number;
}

export interface AgentEvents {
  status: BrowserAgentStatus;
  result: { source: string; result: InferenceResult };
  /** Frames of a source fail, told once for each reason; without an error they are read again. */
  problem: { source: string; error: { code: string; message: string; hint?: string | undefined } | undefined };
  log: { level: 'debug' | 'info' | 'warn' | 'error'; line: string };
}

export interface Watching {
  readonly video: HTMLVideoElement;
  stop(): void;
}

export interface Listening {
  stop(): void;
}

/** Samples of all channels in turn, -1 to 1. */
export interface Audio {
  sampleRateHz: number;
  channels: number;
  samples: Float32Array;
}

export interface BrowserAgent {
  readonly status: BrowserAgentStatus;
  on<Name extends keyof AgentEvents>(name: Name, listener: (event: AgentEvents[Name]) => void): () => void;
  /** @param onPicture takes what a file decoded to, to be shown, before it is read */
  infer(
    input: Blob | Uint8Array | VideoFrame | ImageBitmap | Audio,
    source?: string,
    onPicture?: (picture: ImageBitmap) => void,
  ): Promise<InferenceResult>;
  camera(deviceId?: string): Promise<Watching>;
  watch(stream: MediaStream, source?: string): Promise<Watching>;
  microphone(deviceId?: string): Promise<Listening>;
  /** Hears any stream: a tab that is shared with its sound, a call. */
  listen(stream: MediaStream, source?: string): Promise<Listening>;
  /** Hears a file from its beginning to its end, as fast as the pipeline can; the results are told as events. */
  hear(file: Blob, source?: string, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export function createAgent(options: CreateAgentOptions, onStart?: (agent: BrowserAgent) => void): Promise<BrowserAgent>;

/**
 * Makes memory shareable between threads where the site cannot send COOP and COEP: await it first. It loads the page once more.
 * @param serviceWorker address of a copy of `isolation-worker.js` of this package, at or above the page
 */
export function isolatePage(serviceWorker: string | URL): Promise<boolean>;

export class StarlingCamera extends HTMLElement {}

export function defineStarlingCamera(tag?: string): void;
