import { fork } from 'node:child_process';
import { StarlingError } from '@starling/shared';
import type { BuildReply, BuildRequest, BuiltArtefact, Inspection } from './build-messages.ts';

/** Native code that has said nothing for this long is taken for hung. */
const SILENCE_MS = 120_000;

export interface BuildOptions {
  signal?: AbortSignal | undefined;
  onProgress?: (percent: number, step: string) => void;
}

/** Runs inspections and builds in processes of their own. */
export interface Builder {
  inspect(file: string): Promise<Inspection>;
  build(request: Omit<Extract<BuildRequest, { type: 'build' }>, 'type'>, options: BuildOptions): Promise<BuiltArtefact[]>;
}

export function createBuilder(): Builder {
  return {
    async inspect(file) {
      const reply = await runWorker({ type: 'inspect', file }, {});
      if (reply.type !== 'inspected') throw new StarlingError('build-failed', `unexpected answer ${reply.type}`);
      return reply.inspection;
    },
    async build(request, options) {
      const reply = await runWorker({ type: 'build', ...request }, options);
      if (reply.type !== 'built') throw new StarlingError('build-failed', `unexpected answer ${reply.type}`);
      return reply.artefacts;
    },
  };
}

/** @throws StarlingError of the worker, `build-crashed` if its process died, `build-hung`, `cancelled` */
function runWorker(request: BuildRequest, { signal, onProgress }: BuildOptions): Promise<BuildReply> {
  // Cancelled before it came to this: the event has passed already.
  if (signal?.aborted) return Promise.reject(cancelled());
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./build-worker.ts', import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const end = (settle: () => void): void => {
      clearTimeout(silence);
      signal?.removeEventListener('abort', cancel);
      child.removeAllListeners();
      child.kill('SIGKILL');
      settle();
    };
    const hung = (): void =>
      end(() => reject(new StarlingError('build-hung', `the model kept the builder busy for ${SILENCE_MS / 1000} s`, { field: 'model' })));
    const cancel = (): void => end(() => reject(cancelled()));
    let silence = setTimeout(hung, SILENCE_MS);
    signal?.addEventListener('abort', cancel, { once: true });
    child.on('message', (reply: BuildReply) => {
      clearTimeout(silence);
      silence = setTimeout(hung, SILENCE_MS);
      if (reply.type === 'progress') onProgress?.(reply.percent, reply.step);
      else if (reply.type === 'failed') end(() => reject(new StarlingError(reply.code, reply.message, reply)));
      else end(() => resolve(reply));
    });
    child.on('exit', (code, killedBy) => {
      const hint = 'the model may be damaged or too large for the memory of the fleet';
      end(() => reject(new StarlingError('build-crashed', `the builder ended with ${killedBy ?? String(code)}`, { field: 'model', hint })));
    });
    child.send(request);
  });
}

function cancelled(): StarlingError {
  return new StarlingError('cancelled', 'the build was cancelled');
}
