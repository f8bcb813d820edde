import { StarlingError } from '@starling/shared';
import type { MeasureHost, MeasureSession } from '../../core/ports/measure-host.ts';
import { ARENA } from './arena.ts';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';

export interface MeasureWorkerOptions {
  home: string;
  providers: readonly string[];
  threads: number;
}

/** A worker of its own for each model that is measured. */
export function createMeasureWorker({ home, providers, threads }: MeasureWorkerOptions): MeasureHost {
  return {
    providers,
    machine: { threads, arena: ARENA },
    async open(model, ladder, signal) {
      signal.throwIfAborted();
      const call = start(signal);
      try {
        // Threads of an engine are fixed when it starts, so what is tried first decides.
        const wanted = ladder[0]?.threads ?? 0;
        const request = { home, providers, threads: wanted === 0 ? threads : wanted, model, ladder };
        const reply = await call.send({ call: 'open', ...request });
        if (reply.type !== 'opened') throw new StarlingError('measure-failed', `unexpected reply ${reply.type}`);
        return sessionOver(reply.opened, call);
      } catch (error) {
        call.end();
        throw error;
      }
    },
  };
}

/** Times a small model on a provider, in a worker that ends with it. @throws StarlingError `load-failed`, `wrong-answer`, ... */
export async function probeProvider(provider: string, threads: number, signal: AbortSignal): Promise<number> {
  const call = start(signal);
  try {
    const reply = await call.send({ call: 'probe', provider, threads });
    if (reply.type !== 'probed') throw new StarlingError('measure-failed', `unexpected reply ${reply.type}`);
    return reply.medianMs;
  } finally {
    call.end();
  }
}

interface Caller {
  send(request: MeasureRequest): Promise<MeasureReply>;
  end(): void;
}

function sessionOver(opened: Omit<MeasureSession, 'burst' | 'close'>, call: Caller): MeasureSession {
  return {
    ...opened,
    async burst(runs) {
      const reply = await call.send({ call: 'burst', runs });
      if (reply.type !== 'ran') throw new StarlingError('measure-failed', `unexpected reply ${reply.type}`);
      return reply.burst;
    },
    close: async () => call.end(),
  };
}

function start(signal: AbortSignal): Caller {
  const worker = new Worker(new URL('./measure-host.ts', import.meta.url), { type: 'module', name: 'starling-measure-host' });
  let waiting: { resolve: (reply: MeasureReply) => void; reject: (error: unknown) => void } | undefined;
  let failure: StarlingError | undefined;
  const fail = (error: StarlingError): void => {
    failure ??= error;
    worker.terminate();
    waiting?.reject(failure);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<MeasureReply>) => {
    const call = waiting;
    waiting = undefined;
    if (data.type === 'failed') call?.reject(new StarlingError(data.error.code, data.error.message, data.error));
    else call?.resolve(data);
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    fail(new StarlingError('measure-crashed', `the worker that measures ended: ${event.message}`));
  });
  const abort = (): void => fail(new StarlingError('cancelled', 'measuring was cancelled', { retryable: true }));
  signal.addEventListener('abort', abort, { once: true });
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        waiting = { resolve, reject };
        worker.postMessage(request);
      }),
    end() {
      signal.removeEventListener('abort', abort);
      worker.terminate();
    },
  };
}
