import { describe, expect, test } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import type { HostEvent, InstalledRelease, Reload, RuntimeHost } from '../ports/runtime-host.ts';
import type { HostRequest } from './host-messages.ts';
import { type HostLifeEvents, superviseHost } from './supervise-host.ts';

/** Time does not matter here: whatever waits is next. */
const clock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  after(_delayMs, run) {
    const timer = setTimeout(run, 0);
    return () => clearTimeout(timer);
  },
};

const releaseOf = (key: string): InstalledRelease => ({ key }) as InstalledRelease;

/** What a host dies of; anything else it answers. */
type Deadly = (request: HostRequest, life: number) => boolean;

interface Tried {
  host: RuntimeHost;
  events: HostEvent[];
  /** What the newest life runs. */
  active(): string | undefined;
  lives(): number;
  /** Waits for so many events of a type. */
  until(type: HostEvent['type'], count: number): Promise<HostEvent>;
}

function startHost(isDeadly: Deadly): Tried {
  let lives = 0;
  let active: string | undefined;
  const start = (events: HostLifeEvents) => {
    lives += 1;
    const life = lives;
    active = undefined;
    let isOver = false;
    const end = (): void => {
      isOver = true;
      events.onEnded('it died');
    };
    const take = (request: HostRequest): void => {
      if (isOver) return;
      if (request.call === 'ask') events.onReply({ type: 'alive' });
      else if (isDeadly(request, life)) end();
      else {
        if (request.call === 'activate') active = request.arguments[0];
        const value = request.call === 'load' ? { providers: { map: 'wasm' }, loadMs: 0 } : { passed: true, models: {} };
        events.onReply({ type: 'answer', id: request.id, value });
      }
    };
    setTimeout(() => events.onReply({ type: 'ready' }), 0);
    return { send: (request: HostRequest) => void setTimeout(() => take(request), 0), kill: async () => end() };
  };
  const host = superviseHost({ clock, runTimeoutMs: 60_000, start });
  const events: HostEvent[] = [];
  const waiting = new Set<() => void>();
  host.onEvent((event) => {
    events.push(event);
    for (const look of waiting) look();
  });
  return {
    ...{ host, events, active: () => active, lives: () => lives },
    until: (type, count) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = events.filter((event) => event.type === type)[count - 1];
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

const tests =
  (key: string): Deadly =>
  (request) =>
    request.call === 'selfTest' && request.arguments[0] === key;

async function run({ host }: Tried, key: string): Promise<void> {
  await host.load(releaseOf(key));
  await host.selfTest(key);
  await host.activate(key);
}

const reloads = (event: HostEvent): readonly Reload[] => (event.type === 'reloaded' ? event.releases : []);

describe('a runtime host that dies', () => {
  test('over a release that never ran here comes back with what ran, and without that one', async () => {
    const tried = startHost(tests('new'));
    await run(tried, 'old');
    await tried.host.load(releaseOf('new'));
    await expect(tried.host.selfTest('new')).rejects.toMatchObject({ code: 'host-crashed', retryable: true });
    const releases = reloads(await tried.until('reloaded', 1));
    expect(releases).toMatchObject([
      { key: 'old', report: { passed: true } },
      { key: 'new', error: { code: 'host-crashed' } },
    ]);
    await tried.until('recovered', 1);
    expect(tried.active()).toBe('old');
    expect(tried.lives()).toBe(2);
    // It may be tried again, from the start.
    await tried.host.load(releaseOf('new'));
    await expect(tried.host.selfTest('new')).rejects.toMatchObject({ code: 'host-crashed' });
    await tried.until('recovered', 2);
    expect(tried.active()).toBe('old');
    await tried.host.close();
  });

  test('over a release that ran here tries it thrice, and then goes on without', async () => {
    let isBroken = false;
    const tried = startHost((request) => (isBroken && request.call === 'infer') || (isBroken && tests('old')(request, 0)));
    await run(tried, 'old');
    isBroken = true;
    await expect(tried.host.infer(new Uint8Array())).rejects.toMatchObject({ code: 'host-crashed' });
    const releases = reloads(await tried.until('reloaded', 1));
    expect(releases).toMatchObject([{ key: 'old', error: { code: 'host-crashed' } }]);
    expect(tried.events.filter(({ type }) => type === 'crashed')).toHaveLength(4);
    await tried.until('recovered', 1);
    expect(tried.active()).toBeUndefined();
    await run(tried, 'other');
    expect(tried.active()).toBe('other');
    await tried.host.close();
  });

  test('over a release that ran here keeps it once it comes through', async () => {
    const tried = startHost(
      (request, life) => (life === 1 && request.call === 'infer') || (life < 4 && life > 1 && tests('old')(request, 0)),
    );
    await run(tried, 'old');
    await expect(tried.host.infer(new Uint8Array())).rejects.toMatchObject({ code: 'host-crashed' });
    expect(reloads(await tried.until('reloaded', 1))).toMatchObject([{ key: 'old', report: { passed: true } }]);
    await tried.until('recovered', 1);
    expect(tried.active()).toBe('old');
    expect(tried.lives()).toBe(4);
    await tried.host.close();
  });
});
