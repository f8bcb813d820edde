import { type SessionSettings, StarlingError } from '@starling/shared';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import type { Engine, EngineSession, Tensor } from '../../core/ports/engine.ts';
import { judgeFault } from './engine-fault.ts';
import { createOrtLoader, type Ort } from './load-onnxruntime.ts';

export interface OnnxRuntimeOptions {
  providers: readonly string[];
  threads: number;
  readModel(location: string): Promise<Uint8Array>;
  /** The GPU is gone, and with it every session on it. */
  onDeviceLost: (reason: string) => void;
  /** This engine should be given up as soon as what is under way has its answer: it is broken, or keeps memory that it took in vain. */
  onSpent?: (provider: string, reason: string) => void;
}

/** Makes an error of ONNX Runtime one that says what to do, and what is left. */
type Judge = (provider: string, code: 'load-failed' | 'inference-failed', cause: unknown) => StarlingError;

/**
 * ONNX Runtime in the worker that calls it. A run blocks the worker, and no two runs of one build may overlap; it has threads of its own
 * where memory can be shared.
 */
export function createOnnxRuntime({ providers, threads, readModel, onDeviceLost, onSpent }: OnnxRuntimeOptions): Engine {
  const loadOrt = createOrtLoader(threads);
  const open = new Set<InferenceSession>();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const watched = new WeakSet<GPUDevice>();
  const watchDevice = async (ort: Ort): Promise<void> => {
    const device = (await ort.env.webgpu.device) as GPUDevice | undefined;
    if (device === undefined || watched.has(device)) return;
    watched.add(device);
    void device.lost.then(({ reason, message }) => onDeviceLost(message === '' ? reason : message));
  };
  const judge: Judge = (provider, code, cause) => {
    const { reason, isMemory, isEnd } = judgeFault(cause);
    // The memory of WebAssembly only grows: what a load took in vain comes back with the end of the worker alone.
    if (isEnd || (isMemory && code === 'load-failed' && provider === 'wasm')) onSpent?.(provider, reason);
    const hint = 'choose an artefact that needs less, or give it smaller pictures';
    return new StarlingError(code, reason, { cause, ...(isMemory ? { hint } : {}) });
  };
  return {
    providers,
    async open(location, { ports: _ports, weights, unoptimised = false, ...settings }) {
      const { provider } = settings;
      if (weights !== undefined) throw new StarlingError('load-failed', 'models whose weights lie beside them are too large for a browser');
      try {
        const bytes = await readModel(location);
        const ort = await loadOrt(provider);
        const session = await inTurn(() => ort.InferenceSession.create(bytes, sessionOptions(settings, unoptimised)));
        open.add(session);
        if (provider === 'webgpu') await watchDevice(ort);
        return sessionOver(session, provider, { ort, inTurn, judge, onClosed: () => open.delete(session) });
      } catch (cause) {
        throw cause instanceof StarlingError ? cause : judge(provider, 'load-failed', cause);
      }
    },
    allocateFloat32: (length) => new Float32Array(length),
    async close() {
      await Promise.allSettled([...open].map((session) => session.release()));
      open.clear();
    },
  };
}

interface SessionPorts {
  ort: Ort;
  inTurn<Value>(work: () => Promise<Value>): Promise<Value>;
  judge: Judge;
  onClosed(): void;
}

function sessionOver(session: InferenceSession, provider: string, { ort, inTurn, judge, onClosed }: SessionPorts): EngineSession {
  return {
    provider,
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(inputs) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { elementType, data, shape }]) => [
          name,
          new ort.Tensor(elementType as 'float32', data as Float32Array, shape),
        ]),
      );
      try {
        const outputs = await inTurn(() => session.run(feeds));
        return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, plainTensor(output)]));
      } catch (cause) {
        throw judge(provider, 'inference-failed', cause);
      }
    },
    async close() {
      onClosed();
      await inTurn(() => session.release());
    },
  };
}

function sessionOptions({ provider, executionMode, arena }: SessionSettings, unoptimised: boolean): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    executionMode,
    enableCpuMemArena: arena,
    // 3 is an error: its warnings are for those who build the engine.
    logSeverityLevel: 3,
    graphOptimizationLevel: unoptimised ? 'disabled' : 'all',
  };
}

/** Half precision travels as its bits: not every runtime has numbers of that size. */
function plainTensor(output: OrtTensor): Tensor {
  const data = output.data as Float32Array | Uint16Array;
  const isHalf = output.type === 'float16';
  return {
    elementType: output.type as Tensor['elementType'],
    shape: [...output.dims],
    data: isHalf ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data,
  };
}
