import { type ChildProcess, fork } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StarlingError } from '@starling/shared';
import type { BuildReply, BuildRequest, BuiltResult, Inspection, RecipeRequest } from './build-messages.ts';
import { residentBytes } from './resident-memory.ts';

/** Native code that has said nothing for this long is taken for hung. On a busy machine a step of seconds may take minutes. */
const SILENCE_MS = 300_000;
/** Steps go through all weights of a model, so that a larger one may be silent for longer: what a busy machine gets through in a second. */
const WEIGHT_BYTES_PER_SECOND_MINIMUM = 4 * 1024 ** 2;
/** A model is read in parts of a second: looked at less often, it could take the memory of the whole machine unseen. */
const MEMORY_INTERVAL_MS = 200;
const MEBIBYTE = 1024 ** 2;
/** What a builder computes with lies outside of its heap, where V8 would keep three times 32 MiB for short-lived objects. */
const YOUNG_GENERATION = '--max-semi-space-size=2';
/** What a worker says on its standard error while it ends: enough for a stack. */
const LAST_WORDS_CHARACTERS = 4000;
/** Its last words are waited for this long. */
const LAST_WORDS_MS = 1_000;

export interface BuildOptions {
  signal?: AbortSignal | undefined;
  onProgress?: (percent: number, step: string) => void;
  onLog?: (line: string) => void;
}

export interface BuilderLimits {
  /** A worker that has more memory resident is ended. */
  memoryBytes: number;
  /** Largest file that an artefact may be; above it its weights are a file of their own. */
  fileBytesMaximum?: number;
}

/** Runs inspections and builds in processes of their own. */
export interface Builder {
  /** @param weights digest of its weights, where they are apart: the file of that name beside it */
  inspect(file: string, weights?: string): Promise<Inspection>;
  build(request: RecipeRequest, options: BuildOptions): Promise<BuiltResult>;
}

export function createBuilder(limits: BuilderLimits): Builder {
  return {
    async inspect(file, weights) {
      const reply = await runWorker({ type: 'inspect', file, ...(weights === undefined ? {} : { weights }) }, {}, limits);
      if (reply.type !== 'inspected') throw new StarlingError('build-failed', `unexpected answer ${reply.type}`);
      return reply.inspection;
    },
    async build(request, options) {
      const { fileBytesMaximum } = limits;
      const limited = fileBytesMaximum === undefined ? request : { ...request, fileBytesMaximum };
      const reply = await runWorker({ type: 'build', ...limited }, options, limits);
      if (reply.type !== 'built') throw new StarlingError('build-failed', `unexpected answer ${reply.type}`);
      return reply.artefact;
    },
  };
}

/** @throws StarlingError of the worker, `build-crashed` if its process died, `build-hung`, `build-too-large`, `cancelled` */
async function runWorker(request: BuildRequest, options: BuildOptions, { memoryBytes }: BuilderLimits): Promise<BuildReply> {
  const { signal, onProgress, onLog } = options;
  const silenceMs = await silenceOf(request);
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(cancelled());
    const child = fork(new URL('./build-worker.ts', import.meta.url), {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${Math.max(64, Math.floor(memoryBytes / MEBIBYTE))}`, YOUNG_GENERATION],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const lastWords = readErrors(child, onLog);
    const end = (say: () => void): void => {
      clearTimeout(silence);
      clearInterval(watch);
      signal?.removeEventListener('abort', cancel);
      child.removeAllListeners();
      child.kill('SIGKILL');
      say();
    };
    /** What it took between two looks counts too: the same model is refused each time, or never. */
    const settle = async (reply: BuildReply): Promise<void> => {
      child.removeAllListeners('exit');
      const bytes = await residentBytes(child.pid ?? 0);
      end(() => (bytes !== undefined && bytes > memoryBytes ? reject(tooLarge(memoryBytes)) : resolve(reply)));
    };
    const hung = (): void =>
      end(() => reject(new StarlingError('build-hung', `the model kept the builder busy for ${silenceMs / 1000} s`, { field: 'model' })));
    const cancel = (): void => end(() => reject(cancelled()));
    let silence = setTimeout(hung, silenceMs);
    const watch = setInterval(async () => {
      const bytes = await residentBytes(child.pid ?? 0);
      if (bytes !== undefined && bytes > memoryBytes) end(() => reject(tooLarge(memoryBytes)));
    }, MEMORY_INTERVAL_MS);
    signal?.addEventListener('abort', cancel, { once: true });
    child.on('message', (reply: BuildReply) => {
      clearTimeout(silence);
      silence = setTimeout(hung, silenceMs);
      if (reply.type === 'progress') onProgress?.(reply.percent, reply.step);
      else if (reply.type === 'log') onLog?.(reply.line);
      else if (reply.type === 'failed') end(() => reject(new StarlingError(reply.code, reply.message, reply)));
      else void settle(reply);
    });
    child.on('error', (cause) => end(() => reject(new StarlingError('build-crashed', 'the builder could not be started', { cause }))));
    child.on('exit', (code, killedBy) => {
      const judge = (): void => {
        const outOfHeap = /heap out of memory|Reached heap limit/.test(lastWords());
        end(() => reject(outOfHeap ? tooLarge(memoryBytes) : crashed(killedBy ?? String(code))));
      };
      // What it said last may still be in the pipe, which a process of its own may hold open.
      child.once('close', judge);
      setTimeout(judge, LAST_WORDS_MS).unref();
    });
    child.send(request, () => undefined);
  });
}

async function silenceOf({ file, weights }: BuildRequest): Promise<number> {
  if (weights === undefined) return SILENCE_MS;
  // What is not there is said by the worker.
  const { size } = await stat(join(dirname(file), weights)).catch(() => ({ size: 0 }));
  return SILENCE_MS + Math.ceil(size / WEIGHT_BYTES_PER_SECOND_MINIMUM) * 1000;
}

/** Each line is told; the last ones are kept, for they say why a process ended. */
function readErrors(child: ChildProcess, onLog: BuildOptions['onLog']): () => string {
  let last = '';
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-LAST_WORDS_CHARACTERS);
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-LAST_WORDS_CHARACTERS);
    for (const line of lines) if (line.trim() !== '') onLog?.(line);
  });
  return () => last;
}

function cancelled(): StarlingError {
  return new StarlingError('cancelled', 'the build was cancelled');
}

function crashed(how: string): StarlingError {
  const hint = 'the model may be damaged or too large for the memory of the fleet';
  return new StarlingError('build-crashed', `the builder ended with ${how}`, { field: 'model', hint });
}

function tooLarge(memoryBytes: number): StarlingError {
  return new StarlingError('build-too-large', `the build needs more than the ${Math.floor(memoryBytes / MEBIBYTE)} MiB that it may have`, {
    field: 'model',
    hint: 'raise buildMemoryMebibytes of the fleet, or use a smaller model',
  });
}
