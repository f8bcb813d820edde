import { type Audio, type InferenceResult, StarlingError } from '@starling/shared';
import type {
  AgentCallName,
  AgentCalls,
  AgentConfig,
  AgentEvent,
  AgentInput,
  AgentReply,
  AgentRequest,
  BrowserAgentStatus,
} from './agent-messages.ts';
import { createStage, type Stage } from './draw-results.ts';
import { noteLeaving } from './note-leaving.ts';
import { decodeSound, hearSound, type Listening, listenStream, openMicrophone } from './sources/audio.ts';
import { openCamera } from './sources/camera.ts';
import { type Watching, watchStream } from './sources/stream.ts';
import { tellBattery } from './tell-battery.ts';

/** How an agent is started in a page. */
export interface CreateAgentOptions {
  /** Address of the fleet, e.g. `https://fleet.example`. */
  fleet: string;
  /** Claim token, for a browser that is not enrolled yet. */
  token?: string;
  /** Where results are drawn over the picture that they are of. */
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
  /** How far it is, and what it runs. */
  status: BrowserAgentStatus;
  /** Something was read: from a camera, a file, or a command of the fleet. */
  result: { source: string; result: InferenceResult };
  /** Frames of a source fail, told once for each reason; without an error they are read again. */
  problem: { source: string; error: StarlingError | undefined };
  log: { level: 'debug' | 'info' | 'warn' | 'error'; line: string };
}

/** An agent in this page. */
export interface BrowserAgent {
  readonly status: BrowserAgentStatus;
  /** @returns a function that ends the listening */
  on<Name extends keyof AgentEvents>(name: Name, listener: (event: AgentEvents[Name]) => void): () => void;
  /**
   * Reads one image, or hears one chunk of sound. Frames, bitmaps and samples are given away: they are gone on this side. Chunks of one
   * source are one stream.
   * @param onPicture takes what a file decoded to, to be shown, before it is read: the page need not decode it a second time
   * @throws StarlingError `no-release`, `not-an-image`, `dropped`, ...
   */
  infer(
    input: Blob | Uint8Array | VideoFrame | ImageBitmap | Audio,
    source?: string,
    onPicture?: (picture: ImageBitmap) => void,
  ): Promise<InferenceResult>;
  /**
   * Reads a camera until it is stopped.
   * @param deviceId of `enumerateDevices()`; by default the one that looks away from its owner
   * @throws StarlingError `camera-refused`, `camera-busy`, `no-camera`
   */
  camera(deviceId?: string): Promise<Watching>;
  /** Reads any stream: a screen, a canvas, a call. */
  watch(stream: MediaStream, source?: string): Promise<Watching>;
  /**
   * Hears a microphone until it is stopped.
   * @param deviceId of `enumerateDevices()`; by default the one that the browser prefers
   * @throws StarlingError `microphone-refused`, `microphone-busy`, `no-microphone`
   */
  microphone(deviceId?: string): Promise<Listening>;
  /** Hears any stream: a tab that is shared with its sound, a call. @throws StarlingError `no-sound` */
  listen(stream: MediaStream, source?: string): Promise<Listening>;
  /**
   * Hears a file from its beginning to its end, as fast as the pipeline can; the results are told as events.
   * @throws StarlingError `no-sound`, `audio-too-large`, and what `infer` throws
   */
  hear(file: Blob, source?: string, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export const DEFAULT_NAME = 'starling';

/**
 * Starts an agent in workers of this page. It resolves when the agent runs: enrolled, and with what it ran before. Releases are pulled
 * behind that, as `status` tells.
 * @throws StarlingError `insecure-context`, `not-enrolled`, `claim-token-refused`, `no-storage`, `browser-too-old`, `cross-origin` where the
 *   fleet lets no page of this site run devices, `unreachable`
 */
export async function createAgent(options: CreateAgentOptions, onStart?: (agent: BrowserAgent) => void): Promise<BrowserAgent> {
  requireSecureContext();
  // Asked here, since no worker may: a browser that is short of space keeps key and models then. Some ask the person, so nothing waits.
  navigator.storage.persist?.().catch(() => undefined);
  const battery = tellBattery();
  const leaving = new AbortController();
  const worker = new Worker(new URL('./control-worker.ts', import.meta.url), { type: 'module', name: 'starling-control' });
  const caller = createCaller(worker);
  let status: BrowserAgentStatus = { phase: 'starting', pending: false, threads: 1 };
  caller.on('status', (next) => {
    status = next;
  });
  // Told here, since not every browser tells workers.
  addEventListener('online', () => void caller.call('networkBack', []).catch(() => undefined), { signal: leaving.signal });
  const stage: Stage | undefined = options.canvas === undefined ? undefined : createStage(options.canvas);
  let streams = 0;
  // What a graph keeps of one recording means nothing for the next.
  const nextStream = (source: string): string => {
    streams += 1;
    return `${source} ${streams}`;
  };
  const agent: BrowserAgent = {
    get status() {
      return status;
    },
    on: caller.on,
    async infer(input, source = 'page', onPicture = stage && showOn(stage)) {
      if (!(input instanceof Blob)) return (await caller.call('infer', [input, source], movedOf(input))) as InferenceResult;
      const bytes = new Uint8Array(await input.arrayBuffer());
      const isShown = onPicture !== undefined;
      const result = (await caller.call('infer', [bytes, source, isShown], [bytes.buffer], onPicture)) as InferenceResult;
      stage?.showResult(result);
      return result;
    },
    camera: async (deviceId = '') => agent.watch(await openCamera(deviceId), 'camera'),
    watch(stream, source = 'stream') {
      const onTrouble = (error: StarlingError | undefined): void => caller.emit('problem', { source, error });
      return watchStream(stream, source, { infer: agent.infer, stage, onTrouble });
    },
    microphone: async (deviceId = '') => agent.listen(await openMicrophone(deviceId), 'microphone'),
    listen(stream, source = 'stream') {
      const name = nextStream(source);
      const onTrouble = (error: StarlingError | undefined): void => caller.emit('problem', { source: name, error });
      return listenStream(stream, name, { infer: agent.infer, onTrouble });
    },
    async hear(file, source = 'file', signal = new AbortController().signal) {
      await hearSound(await decodeSound(file), nextStream(source), agent.infer, signal);
    },
    async close() {
      await caller.call('close', []).catch(() => undefined);
      void battery.then((end) => end());
      leaving.abort();
      caller.end();
    },
  };
  onStart?.(agent);
  try {
    const config = configOf(options);
    await caller.call('start', [{ ...config, leftCleanly: noteLeaving(config.home) }]);
  } catch (error) {
    leaving.abort();
    caller.end();
    throw error;
  }
  return agent;
}

function movedOf(input: AgentInput): Transferable[] {
  if (input instanceof Uint8Array) return [];
  if (!('samples' in input)) return [input];
  return input.samples.buffer instanceof ArrayBuffer ? [input.samples.buffer] : [];
}

function showOn(stage: Stage): (picture: ImageBitmap) => void {
  return (picture) => {
    stage.forget();
    stage.showPicture(picture, picture.width, picture.height);
  };
}

function configOf({ fleet, name = DEFAULT_NAME, token, providers, threads, runTimeoutMs }: CreateAgentOptions): AgentConfig {
  if (!URL.canParse(fleet)) throw new StarlingError('invalid-options', `"${fleet}" is no address of a fleet`, { field: 'fleet' });
  return { home: name, fleetUrl: new URL(fleet).origin, token, providers, threads, runTimeoutMs };
}

/** @throws StarlingError `insecure-context` */
function requireSecureContext(): void {
  if (globalThis.isSecureContext) return;
  throw new StarlingError('insecure-context', 'a page that came over plain HTTP gets no camera, no keys and no storage', {
    hint: 'open it by HTTPS, or on the machine of the fleet by http://localhost',
  });
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onPicture: ((picture: ImageBitmap) => void) | undefined;
}

interface Caller {
  call<Name extends AgentCallName>(
    call: Name,
    args: AgentCalls[Name],
    transfer?: Transferable[],
    onPicture?: (picture: ImageBitmap) => void,
  ): Promise<unknown>;
  on: BrowserAgent['on'];
  emit<Name extends keyof AgentEvents>(name: Name, event: AgentEvents[Name]): void;
  /** Ends the worker: what is given to it from then on is refused. */
  end(): void;
}

function createCaller(worker: Worker): Caller {
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<string, Set<(event: never) => void>>();
  let nextId = 1;
  let ended: StarlingError | undefined;
  const emit: Caller['emit'] = (name, event) => {
    for (const listener of listeners.get(name) ?? []) listener(event as never);
  };
  const pass = (event: AgentEvent): void => {
    if (event.type === 'status') emit('status', event.status);
    else if (event.type === 'picture') waiting.get(event.call)?.onPicture?.(event.picture);
    else emit(event.type, event);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<AgentReply>) => {
    if (data.type === 'event') return pass(data.event);
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.type === 'answer') call?.resolve(data.value);
    else call?.reject(new StarlingError(data.error.code, data.error.message, data.error));
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    const error = new StarlingError('agent-crashed', `the worker of the agent failed: ${event.message || 'its code could not be fetched'}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return {
    emit,
    end() {
      worker.terminate();
      ended = new StarlingError('closed', 'this agent was closed');
    },
    call: (call, args, transfer = [], onPicture = undefined) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) {
          // Nobody is there to close what is given away.
          for (const moved of transfer) if ('close' in moved) moved.close();
          return reject(ended);
        }
        const id = nextId;
        nextId += 1;
        waiting.set(id, { resolve, reject, onPicture });
        worker.postMessage({ id, call, arguments: args } as AgentRequest, transfer);
      }),
    on(name, listener) {
      const known = listeners.get(name) ?? new Set();
      listeners.set(name, known);
      known.add(listener);
      return () => void known.delete(listener);
    },
  };
}
