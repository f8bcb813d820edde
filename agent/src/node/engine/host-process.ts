import { type ChildProcess, fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { isStarlingError, StarlingError } from '@starling/shared';
import type { HostEvent, InstalledRelease, LoadReport, Reload, RuntimeHost, SelfTestReport } from '../../core/ports/runtime-host.ts';
import type { HostConfig } from './host-config.ts';
import type { HostCallName, HostCalls, HostReply, HostRequest } from './host-messages.ts';
import { watchHost } from './watch-host.ts';

export interface HostProcessOptions extends HostConfig {
  /** Module of the runtime host: `runtime-host.ts` from source, `.js` in a package. */
  hostFile: URL;
  environment: Readonly<Record<string, string | undefined>>;
}

/**
 * glibc's malloc keeps freed memory of large sessions unless told otherwise before the process starts: with these, 20 sessions of a
 * 14 MB model gave back 94 %, without them almost nothing.
 */
export const mallocThresholds = { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };

/** Waits after repeated crashes, so that a host that dies at once does not burn the device. */
const RESTART_DELAYS_MS = [0, 0, 200, 1_000, 5_000, 30_000];
/** A host that ran this long has recovered: the next crash starts over at no delay. */
const STABLE_AFTER_MS = 60_000;

interface Call {
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** The runtime host as a child process that is started again, with its releases, whenever it dies. */
export function createHostProcess(options: HostProcessOptions): RuntimeHost {
  const listeners: ((event: HostEvent) => void)[] = [];
  const releases = new Map<string, InstalledRelease>();
  const calls = new Map<number, Call>();
  let active: string | undefined;
  let nextId = 1;
  let crashes = 0;
  let closing = false;
  let child: ChildProcess | undefined;
  let ready: Promise<void> = Promise.resolve();

  const emit = (event: HostEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const failAll = (reason: string): number => {
    const failed = [...calls.values()];
    calls.clear();
    for (const call of failed) call.reject(new StarlingError('host-crashed', `the runtime host ended: ${reason}`, { retryable: true }));
    return failed.length;
  };
  const send = <Name extends HostCallName>(call: Name, ...args: HostCalls[Name]): { id: number; answer: Promise<never> } => {
    const id = nextId;
    nextId += 1;
    const answer = new Promise<never>((resolve, reject) => {
      calls.set(id, { resolve, reject });
      child?.send({ id, call, arguments: args } as HostRequest, (error) => {
        if (error === null || !calls.delete(id)) return;
        reject(new StarlingError('host-crashed', 'the runtime host cannot be reached', { retryable: true, cause: error }));
      });
    });
    return { id, answer };
  };
  const spawn = (): Promise<void> => {
    const config: HostConfig = {
      dataDirectory: options.dataDirectory,
      threads: options.threads,
      runTimeoutMs: options.runTimeoutMs,
      workerFile: options.workerFile,
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...(options.server === undefined ? {} : { server: options.server }),
    };
    const started = fork(options.hostFile, [JSON.stringify(config)], {
      serialization: 'advanced',
      // Flags of this process are chosen for a program that waits; that one works, and collects by itself (shared-memory.ts).
      execArgv: ['--expose-gc'],
      env: { ...options.environment, ...mallocThresholds },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child = started;
    const startedMs = performance.now();
    let hung: string | undefined;
    return new Promise((resolve, reject) => {
      started.on('message', (reply: HostReply) => {
        if (reply.type === 'ready') {
          watchHost(started, options.runTimeoutMs, (reason) => {
            hung = reason;
            started.kill('SIGKILL');
          });
          resolve();
        } else if (reply.type === 'hung') hung = reply.reason;
        else if (reply.type !== 'alive') settle(reply, calls, emit);
      });
      started.on('error', reject);
      started.on('exit', (code, signal) => {
        if (child !== started) return;
        const reason = hung ?? signal ?? `exit code ${String(code)}`;
        const itemsFailed = failAll(reason);
        reject(new StarlingError('host-crashed', `the runtime host ended before it was ready: ${reason}`));
        if (closing) return;
        if (performance.now() - startedMs > STABLE_AFTER_MS) crashes = 0;
        emit({ type: 'crashed', reason, itemsFailed });
        ready = recover();
        ready.catch(() => undefined);
      });
    });
  };
  /** Another provider may take over after a crash: what it computes is tested before anything runs on it. */
  const loadAgain = async (release: InstalledRelease): Promise<Reload> => {
    const { key } = release;
    try {
      const { providers } = (await send('load', release).answer) as LoadReport;
      const report = (await send('selfTest', key).answer) as SelfTestReport;
      if (!report.passed) await send('unload', key).answer;
      return { key, providers, report };
    } catch (error) {
      // It died over it: the next life tries again.
      if (isStarlingError(error) && error.code === 'host-crashed') throw error;
      return { key, error };
    }
  };
  const bringBack = async (): Promise<void> => {
    await spawn();
    const reloads: Reload[] = [];
    for (const release of [...releases.values()]) {
      const reload = await loadAgain(release);
      reloads.push(reload);
      if ('report' in reload && reload.report.passed) continue;
      releases.delete(release.key);
      if (active === release.key) active = undefined;
    }
    if (active !== undefined) await send('activate', active).answer;
    if (reloads.length > 0) emit({ type: 'reloaded', releases: reloads });
  };
  const recover = async (): Promise<void> => {
    const crashedMs = performance.now();
    const delayMs = RESTART_DELAYS_MS[Math.min(crashes, RESTART_DELAYS_MS.length - 1)] ?? 0;
    crashes += 1;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (closing) return;
    await bringBack();
    emit({ type: 'recovered', afterMs: performance.now() - crashedMs });
  };
  const call = async <Name extends HostCallName>(name: Name, ...args: HostCalls[Name]): Promise<never> => {
    await ready;
    return send(name, ...args).answer;
  };

  ready = spawn();
  ready.catch(() => undefined);
  return {
    async load(release) {
      const report = await call('load', release);
      releases.set(release.key, release);
      return report;
    },
    selfTest: (key) => call('selfTest', key),
    async activate(key) {
      await call('activate', key);
      active = key;
    },
    async unload(key) {
      releases.delete(key);
      await call('unload', key);
    },
    async infer(input, { signal, source } = {}) {
      await ready;
      signal?.throwIfAborted();
      const { id, answer } = send('infer', input, source);
      const cancel = (): void => {
        child?.send({ id: 0, call: 'cancel', arguments: [id] } satisfies HostRequest, () => undefined);
      };
      signal?.addEventListener('abort', cancel, { once: true });
      return answer.finally(() => signal?.removeEventListener('abort', cancel));
    },
    live: () => call('live'),
    async restart() {
      const startedMs = performance.now();
      await ready;
      const old = child;
      child = undefined;
      failAll('restart');
      old?.kill('SIGKILL');
      ready = bringBack();
      await ready;
      return performance.now() - startedMs;
    },
    onEvent: (listener) => void listeners.push(listener),
    async close() {
      closing = true;
      const ended = child;
      child = undefined;
      failAll('shutdown');
      if (ended === undefined || ended.exitCode !== null) return;
      await new Promise<void>((resolve) => {
        ended.once('exit', () => resolve());
        ended.kill('SIGKILL');
      });
    },
  };
}

function settle(
  reply: Exclude<HostReply, { type: 'ready' | 'alive' | 'hung' }>,
  calls: Map<number, Call>,
  emit: (event: HostEvent) => void,
): void {
  if (reply.type === 'event') {
    emit(reply.event);
    return;
  }
  const call = calls.get(reply.id);
  if (call === undefined) return;
  calls.delete(reply.id);
  if (reply.type === 'answer') call.resolve(reply.value as never);
  else call.reject(new StarlingError(reply.error.code, reply.error.message, reply.error));
}
