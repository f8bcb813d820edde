import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  addFigures,
  type CrowdFigures,
  type FromWorker,
  noFigures,
  type ReleaseFacts,
  type ToWorker,
  type WorkerOptions,
} from './messages.ts';

/** Simulated devices in a few processes. */
export interface Crowd {
  figures(): CrowdFigures;
  /** Resolves when all have left the broker. */
  stop(): Promise<void>;
  /** Resolves when a process ended by itself. */
  ended: Promise<void>;
}

export interface CrowdOptions extends WorkerOptions {
  processes: number;
  /** @returns undefined for a release that nobody knows */
  facts(digest: string): Promise<ReleaseFacts | undefined>;
}

const STOP_TIMEOUT_MS = 15_000;

export function startCrowd({ processes, facts, devices, startsPerSecond, ...options }: CrowdOptions): Crowd {
  const children: ChildProcess[] = [];
  const figures = new Map<ChildProcess, CrowdFigures>();
  const ended = Promise.withResolvers<void>();
  const known = new Map<string, Promise<ReleaseFacts | undefined>>();
  const look = (digest: string): Promise<ReleaseFacts | undefined> => {
    const before = known.get(digest) ?? facts(digest).catch(() => undefined);
    known.set(digest, before);
    return before;
  };
  for (let place = 0; place < processes; place += 1) {
    const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.push(child);
    const tell = (message: ToWorker): void => {
      if (child.connected) child.send(message);
    };
    child.on('message', (message: FromWorker) => {
      if (message.type === 'figures') figures.set(child, message.figures);
      else if (message.type === 'release')
        void look(message.digest).then((found) => tell({ type: 'release', digest: message.digest, facts: found ?? null }));
    });
    child.once('exit', () => ended.resolve());
    const own = devices.filter((_, index) => index % processes === place);
    tell({ type: 'start', options: { ...options, devices: own, startsPerSecond: startsPerSecond / processes } });
  }
  return {
    figures: () => [...figures.values()].reduce(addFigures, noFigures()),
    ended: ended.promise,
    async stop() {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const exit = once(child, 'exit');
          child.send({ type: 'stop' } satisfies ToWorker);
          const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
          await exit;
          clearTimeout(timer);
        }),
      );
    },
  };
}
