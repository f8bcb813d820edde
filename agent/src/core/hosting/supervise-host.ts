import { isStarlingError, StarlingError } from '@starling/shared';
import { type ArmChooser, type ChosenArm, createArmChooser } from '../experiments/index.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  HostEvent,
  HostExperiment,
  InstalledRelease,
  LoadReport,
  PlacementState,
  Reload,
  RuntimeHost,
  SelfTestReport,
} from '../ports/runtime-host.ts';
import type { HostCallName, HostCalls, HostReply, HostRequest } from './host-messages.ts';
import { type HostWatch, watchHost } from './watch-host.ts';

/** One life of a runtime host: a process, or a worker. */
export interface HostLife {
  /** @param onFailed called if it cannot be reached */
  send(request: HostRequest, onFailed: (cause: unknown) => void): void;
  /** Ends it, whatever it does; resolves when it is gone. `onEnded` may still be called. */
  kill(): Promise<void>;
}

export interface HostLifeEvents {
  onReply(reply: HostReply): void;
  /** It could not be started at all. */
  onFailed(cause: unknown): void;
  onEnded(reason: string): void;
}

export interface SupervisedHostPorts {
  clock: Clock;
  /** A host that is silent for longer is taken for hung. */
  runTimeoutMs: number;
  start(events: HostLifeEvents): HostLife;
}

/** Waits after repeated crashes, so that a host that dies at once does not burn the device. */
const RESTART_DELAYS_MS = [0, 0, 0, 1_000, 5_000, 30_000];
/** So often may a host die in a row over a release that has run here; over one that has not, it dies once. */
const DEATHS_MAXIMUM = 3;
/** A host that ran this long has recovered: the next crash starts over at no delay. */
const STABLE_AFTER_MS = 60_000;

interface Call {
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
  /** The release that it loads or tests. */
  key: string | undefined;
  /** Challengers that work on the item. */
  arms: readonly string[];
}

/** A release that is to be there in every life of the host. */
interface KeptRelease {
  release: InstalledRelease;
  /** Its golden outputs have come out here. */
  isProven: boolean;
  /** How often in a row a host died while it loaded or tested it. */
  deaths: number;
}

/** A runtime host that is started again, with its releases, whenever it dies. */
export function superviseHost({ clock, runTimeoutMs, start }: SupervisedHostPorts): RuntimeHost {
  const listeners: ((event: HostEvent) => void)[] = [];
  const releases = new Map<string, KeptRelease>();
  const calls = new Map<number, Call>();
  let active: string | undefined;
  let traceRatio = 0;
  let placement: PlacementState | undefined;
  let experiment: HostExperiment | null = null;
  let chooseArm: ArmChooser | undefined;
  let nextId = 1;
  let crashes = 0;
  let closing = false;
  let life: HostLife | undefined;
  let ready: Promise<void> = Promise.resolve();

  const emit = (event: HostEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const failAll = (reason: string): number => {
    const failed = [...calls.values()];
    calls.clear();
    for (const { reject } of failed) reject(new StarlingError('host-crashed', `the runtime host ended: ${reason}`, { retryable: true }));
    return failed.length;
  };
  const countDeaths = (): void => {
    for (const { key } of calls.values()) {
      const kept = key === undefined ? undefined : releases.get(key);
      if (kept !== undefined) kept.deaths += 1;
    }
  };
  const send = <Name extends HostCallName>(call: Name, ...args: HostCalls[Name]): { id: number; answer: Promise<never> } => {
    const id = nextId;
    nextId += 1;
    const answer = new Promise<never>((resolve, reject) => {
      calls.set(id, { resolve, reject, key: keyOf(call, args), arms: armsOf(call, args) });
      life?.send({ id, call, arguments: args } as HostRequest, (cause) => {
        if (!calls.delete(id)) return;
        reject(new StarlingError('host-crashed', 'the runtime host cannot be reached', { retryable: true, cause }));
      });
    });
    return { id, answer };
  };
  const spawn = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const startedMs = clock.monotonicMs();
      let watch: HostWatch | undefined;
      let hung: string | undefined;
      const started: HostLife = start({
        onReply(reply) {
          watch?.heard();
          if (reply.type === 'ready') {
            const ask = (): void => started.send({ id: 0, call: 'ask', arguments: [] }, () => undefined);
            watch = watchHost(clock, runTimeoutMs, ask, (reason) => {
              hung = reason;
              void started.kill();
            });
            resolve();
          } else if (reply.type === 'hung') hung = reply.reason;
          else if (reply.type !== 'alive') settle(reply, calls, emit);
        },
        onFailed: reject,
        onEnded(ending) {
          watch?.stop();
          if (life !== started) return;
          const reason = hung ?? ending;
          countDeaths();
          const arms = [...new Set([...calls.values()].flatMap((each) => each.arms))];
          const itemsFailed = failAll(reason);
          reject(new StarlingError('host-crashed', `the runtime host ended before it was ready: ${reason}`));
          if (closing) return;
          if (clock.monotonicMs() - startedMs > STABLE_AFTER_MS) crashes = 0;
          emit({ type: 'crashed', reason, itemsFailed, arms });
          ready = recover();
          ready.catch(() => undefined);
        },
      });
      life = started;
    });
  /** Another provider may take over after a crash: what it computes is tested before anything runs on it. */
  const loadAgain = async (kept: KeptRelease): Promise<Reload> => {
    const { key } = kept.release;
    // What ends every host would leave nothing else a host to run in.
    if (kept.deaths >= (kept.isProven ? DEATHS_MAXIMUM : 1))
      return { key, error: new StarlingError('host-crashed', 'the runtime host ended whenever it loaded or tested it') };
    try {
      const { providers } = (await send('load', kept.release).answer) as LoadReport;
      const report = (await send('selfTest', key).answer) as SelfTestReport;
      if (report.passed) Object.assign(kept, { isProven: true, deaths: 0 });
      else await send('unload', key).answer;
      return { key, providers, report };
    } catch (error) {
      // It died over it: the next life tries again, if it may.
      if (isStarlingError(error) && error.code === 'host-crashed') throw error;
      return { key, error };
    }
  };
  const bringBack = async (): Promise<void> => {
    await spawn();
    const reloads: Reload[] = [];
    for (const kept of [...releases.values()]) {
      const reload = await loadAgain(kept);
      reloads.push(reload);
      if ('report' in reload && reload.report.passed) continue;
      releases.delete(reload.key);
      if (active === reload.key) active = undefined;
    }
    if (traceRatio > 0) await send('trace', traceRatio).answer;
    if (placement !== undefined) await send('placement', placement).answer;
    if (active !== undefined) await send('activate', active).answer;
    if (experiment !== null) await send('experiment', experiment).answer;
    if (reloads.length > 0) emit({ type: 'reloaded', releases: reloads });
  };
  const recover = async (): Promise<void> => {
    const crashedMs = clock.monotonicMs();
    const delayMs = RESTART_DELAYS_MS[Math.min(crashes, RESTART_DELAYS_MS.length - 1)] ?? 0;
    crashes += 1;
    await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
    if (closing) return;
    await bringBack();
    emit({ type: 'recovered', afterMs: clock.monotonicMs() - crashedMs });
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
      releases.set(release.key, { release, isProven: releases.get(release.key)?.isProven ?? false, deaths: 0 });
      return report;
    },
    async selfTest(key) {
      const report = (await call('selfTest', key)) as SelfTestReport;
      const kept = releases.get(key);
      if (kept !== undefined && report.passed) Object.assign(kept, { isProven: true, deaths: 0 });
      return report;
    },
    async activate(key) {
      await call('activate', key);
      active = key;
    },
    async unload(key) {
      releases.delete(key);
      await call('unload', key);
    },
    async infer(input, { signal, ...options } = {}) {
      await ready;
      signal?.throwIfAborted();
      const { id, answer } = send('infer', input, { ...options, ...chooseArm?.(options) });
      const cancel = (): void => life?.send({ id: 0, call: 'cancel', arguments: [id] }, () => undefined);
      signal?.addEventListener('abort', cancel, { once: true });
      return answer.finally(() => signal?.removeEventListener('abort', cancel));
    },
    tap: (request) => call('tap', request),
    untap: (tap) => call('untap', tap),
    replay: (request) => call('replay', request),
    loadModel: (model) => call('loadModel', model),
    freeModel: (model) => call('freeModel', model),
    async trace(ratio) {
      traceRatio = ratio;
      await call('trace', ratio);
    },
    async placement(state) {
      placement = state;
      await call('placement', state);
    },
    stream: (from, topic, payload) => call('stream', from, topic, payload),
    async experiment(next) {
      experiment = next;
      chooseArm = next === null ? undefined : createArmChooser(next, () => clock.wallMs());
      await call('experiment', next);
    },
    live: () => call('live'),
    async restart() {
      const startedMs = clock.monotonicMs();
      await ready;
      const old = life;
      life = undefined;
      failAll('restart');
      emit({ type: 'restarting' });
      void old?.kill();
      ready = bringBack();
      await ready;
      return clock.monotonicMs() - startedMs;
    },
    onEvent: (listener) => void listeners.push(listener),
    async close() {
      closing = true;
      const ended = life;
      life = undefined;
      failAll('shutdown');
      await ended?.kill();
    },
  };
}

function keyOf<Name extends HostCallName>(call: Name, [first]: HostCalls[Name]): string | undefined {
  if (call === 'load') return (first as InstalledRelease).key;
  return call === 'selfTest' ? (first as string) : undefined;
}

function armsOf<Name extends HostCallName>(call: Name, [, options]: HostCalls[Name]): readonly string[] {
  if (call !== 'infer') return [];
  const { arm, mirrors = [] } = options as ChosenArm;
  return arm === undefined ? mirrors : [arm];
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
