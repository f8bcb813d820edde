import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { StarlingError } from '@starling/shared';
import { listSupportedBackends } from 'onnxruntime-node';
import type { Engine, EngineSession, Tensor } from '../../core/ports/engine.ts';
import type { OptimisedCache } from './optimised-model.ts';
import type { SessionReply, SessionRequest } from './session-messages.ts';
import { collectHere, createSharedMemoryWatch } from './shared-memory.ts';

export interface OnnxRuntimeOptions {
  /** Compiled next to this file: `session-worker.ts` from source, `.js` in a package. */
  workerUrl: URL;
  /** A run that takes longer is taken for hung; native code cannot be interrupted, so the whole process has to go. */
  runTimeoutMs: number;
  /** Where optimised models are kept, if they are. */
  cache?: OptimisedCache | undefined;
  /** Called when a run hangs or its thread dies. */
  onHung: (reason: string) => void;
}

/** Weights in int8 are folded to four times their bytes, and no file of the engine may have more than 2 GiB. */
const KEPT_BYTES_MAXIMUM = 500 * 1024 ** 2;
/** What a slow card and a small core load at the least: a load takes as much longer than a run may as the model is large. */
const LOADED_BYTES_PER_MS = 4_000;

type Request = SessionRequest extends infer Each ? (Each extends { id: number } ? Omit<Each, 'id'> : never) : never;

/** ONNX Runtime with each session in a worker thread of its own. */
export function createOnnxRuntime(options: OnnxRuntimeOptions): Engine {
  const workers = new Set<Worker>();
  const passed = createSharedMemoryWatch(collectHere);
  return {
    // The CPU provider comes last on the list of backends but is always there.
    providers: listSupportedBackends().map((backend) => backend.name),
    async open(location, { ports: _ports, weights, unoptimised = false, ...settings }) {
      const worker = new Worker(options.workerUrl);
      workers.add(worker);
      const call = createCaller(worker, options);
      const bytes = await bytesOf(location, weights);
      // What the engine would keep holds all weights in one file: more than it can write, and a second copy on the disk.
      const cache = weights === undefined && bytes <= KEPT_BYTES_MAXIMUM ? options.cache : undefined;
      const patienceMs = bytes / LOADED_BYTES_PER_MS;
      const opened = await call({ type: 'open', location, settings, unoptimised, cache }, patienceMs).catch(async (cause: unknown) => {
        workers.delete(worker);
        await worker.terminate();
        throw new StarlingError('load-failed', cause instanceof Error ? cause.message : String(cause), { cause });
      });
      if (opened.type !== 'opened') throw new StarlingError('load-failed', `unexpected reply ${opened.type}`);
      return sessionOver(worker, workers, call, settings.provider, opened);
    },
    allocateFloat32(length) {
      const bytes = length * Float32Array.BYTES_PER_ELEMENT;
      passed(bytes);
      return new Float32Array(new SharedArrayBuffer(bytes));
    },
    async close() {
      await Promise.allSettled([...workers].map((worker) => worker.terminate()));
      workers.clear();
    },
  };
}

/** Of files that are not there, nothing: the engine says what is missing. */
async function bytesOf(...files: readonly (string | undefined)[]): Promise<number> {
  const sizes = await Promise.all(
    files.map(async (file) => (file === undefined ? 0 : ((await stat(file).catch(() => undefined))?.size ?? 0))),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

type Call = (request: Request, patienceMs?: number) => Promise<SessionReply>;

function sessionOver(
  worker: Worker,
  workers: Set<Worker>,
  call: Call,
  provider: string,
  opened: Extract<SessionReply, { type: 'opened' }>,
): EngineSession {
  return {
    provider,
    inputNames: opened.inputNames,
    outputNames: opened.outputNames,
    inputs: opened.inputs,
    async run(inputs: Readonly<Record<string, Tensor>>) {
      const reply = await call({ type: 'run', inputs });
      if (reply.type !== 'ran') throw new StarlingError('inference-failed', `unexpected reply ${reply.type}`);
      return reply.outputs;
    },
    async close() {
      workers.delete(worker);
      await worker.terminate();
    },
  };
}

/** Numbers requests and matches replies; watches for a run that never ends. */
function createCaller(worker: Worker, options: OnnxRuntimeOptions): Call {
  const waiting = new Map<number, { resolve: (reply: SessionReply) => void; reject: (error: unknown) => void; timer: NodeJS.Timeout }>();
  let nextId = 1;
  worker.on('message', (reply: SessionReply) => {
    const call = waiting.get(reply.id);
    if (call === undefined) return;
    waiting.delete(reply.id);
    clearTimeout(call.timer);
    if (reply.type === 'failed') call.reject(new StarlingError('inference-failed', reply.message));
    else call.resolve(reply);
  });
  const failAll = (error: unknown): void => {
    for (const call of waiting.values()) {
      clearTimeout(call.timer);
      call.reject(error);
    }
    waiting.clear();
  };
  worker.on('error', (cause) => failAll(new StarlingError('inference-failed', 'the session thread failed', { cause })));
  worker.on('exit', () => failAll(new StarlingError('inference-failed', 'the session was closed')));
  return (request, patienceMs = 0) =>
    new Promise((resolve, reject) => {
      const id = nextId;
      nextId += 1;
      const limitMs = Math.round(options.runTimeoutMs + patienceMs);
      const what = request.type === 'open' ? 'a model loaded' : 'a model ran';
      const timer = setTimeout(() => options.onHung(`${what} longer than ${limitMs} ms`), limitMs);
      waiting.set(id, { resolve, reject, timer });
      worker.postMessage({ ...request, id });
    });
}
