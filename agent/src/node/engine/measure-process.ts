import { fork } from 'node:child_process';
import { StarlingError } from '@starling/shared';
import type { MeasureHost, MeasureSession } from '../../core/ports/measure-host.ts';
import type { HostConfig } from './host-config.ts';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';
import { memoryEnvironment } from './memory.ts';

export interface MeasureProcessOptions {
  config: HostConfig;
  providers: readonly string[];
  /** Module of the measure host: `measure-host.ts` from source, `.js` in a package. */
  measureFile: URL;
  environment: Readonly<Record<string, string | undefined>>;
}

const CLOSE_TIMEOUT_MS = 10_000;

/** A process of its own for each model that is measured. */
export function createMeasureProcess({ config, providers, measureFile, environment }: MeasureProcessOptions): MeasureHost {
  return {
    providers,
    machine: config.machine,
    async open(model, ladder, signal) {
      signal.throwIfAborted();
      const call = start(measureFile, config, environment, signal);
      try {
        const reply = await call.send({ call: 'open', model, ladder });
        if (reply.type !== 'opened') throw new StarlingError('measure-failed', `unexpected reply ${reply.type}`);
        return sessionOver(reply.opened, call);
      } catch (error) {
        await call.end();
        throw error;
      }
    },
  };
}

interface Caller {
  send(request: MeasureRequest): Promise<MeasureReply>;
  end(): Promise<void>;
}

function sessionOver(opened: Omit<MeasureSession, 'burst' | 'close'>, call: Caller): MeasureSession {
  return {
    ...opened,
    async burst(runs) {
      const reply = await call.send({ call: 'burst', runs });
      if (reply.type !== 'ran') throw new StarlingError('measure-failed', `unexpected reply ${reply.type}`);
      return reply.burst;
    },
    async close() {
      // A server beside the agent has to be told; a process that hangs has not to be waited for.
      const patience = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref());
      await Promise.race([call.send({ call: 'close' }).catch(() => undefined), patience]);
      await call.end();
    },
  };
}

function start(file: URL, config: HostConfig, environment: MeasureProcessOptions['environment'], signal: AbortSignal): Caller {
  const child = fork(file, [JSON.stringify(config)], {
    serialization: 'advanced',
    execArgv: [],
    env: memoryEnvironment(environment, config.machine),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let waiting: { resolve: (reply: MeasureReply) => void; reject: (error: unknown) => void } | undefined;
  let failure: StarlingError | undefined;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (reply: MeasureReply) => {
      if (reply.type === 'ready') return resolve();
      const call = waiting;
      waiting = undefined;
      if (reply.type === 'failed') call?.reject(new StarlingError(reply.error.code, reply.error.message, reply.error));
      else call?.resolve(reply);
    });
    child.once('error', reject);
    child.once('exit', (code, ending) => {
      failure ??= new StarlingError('measure-crashed', `the process that measures ended: ${ending ?? `exit code ${String(code)}`}`, {
        hint: 'the model may crash the engine: look at the log of the device',
      });
      waiting?.reject(failure);
      reject(failure);
    });
  });
  ready.catch(() => undefined);
  const abort = (): void => {
    failure = new StarlingError('cancelled', 'measuring was cancelled', { retryable: true });
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', abort, { once: true });
  return {
    async send(request) {
      await ready;
      return new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        waiting = { resolve, reject };
        child.send(request, (error) => error !== null && reject(error));
      });
    },
    async end() {
      signal.removeEventListener('abort', abort);
      child.kill('SIGKILL');
      await exited;
    },
  };
}
