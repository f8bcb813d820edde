import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RolloutAction, type RolloutSpecInput, StarlingError, type TargetState } from '@starling/shared';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, type OpenDatabase, openDatabase, type Transaction } from '../db/index.ts';
import { createExampleFleet, digestOf, type ExampleFleet, type Outcome } from './example-fleet.ts';

const DEVICES = 12;
const MINUTE_MS = 60_000;
const MAX_IN_FLIGHT = 4;
const PER_SITE = 2;
const over: readonly string[] = ['succeeded', 'aborted', 'stopped', 'rolled-back'];

let directory: string;
let database: OpenDatabase;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-rollout-model-'));
  database = await openDatabase({ directory });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

/** A database whose process ends before its n-th write: nothing of a transaction that is open then stays. */
function dyingDatabase(db: Database, writes: { left: number }): Database {
  const count = (): void => {
    writes.left -= 1;
    if (writes.left < 0) throw new StarlingError('killed', 'the process has ended');
  };
  const wrap = <Inner extends Database | Transaction>(inner: Inner): Inner =>
    new Proxy(inner, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        if (key === 'transaction')
          return (work: (tx: Transaction) => Promise<unknown>) => {
            count();
            return target.transaction(async (tx) => {
              const result = await work(wrap(tx));
              // Before the commit.
              count();
              return result;
            });
          };
        if (['execute', 'insert', 'update', 'delete'].includes(String(key)))
          return (...given: unknown[]) => {
            count();
            return value.apply(target, given);
          };
        return value.bind(target);
      },
    });
  return wrap(db);
}

type Step =
  | { do: 'pass'; dieAfter?: number }
  | { do: 'work'; seed: number }
  | { do: 'again' }
  | { do: 'wait'; minutes: number }
  | { do: 'flap'; device: number; online: boolean }
  | { do: 'assign'; device: number }
  | { do: 'act'; action: RolloutAction };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), dieAfter: fc.integer({ min: 0, max: 40 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('work' as const), seed: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flap' as const), device: fc.nat(DEVICES - 1), online: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('assign' as const), device: fc.nat(DEVICES - 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('act' as const),
      action: fc.constantFrom<RolloutAction>('pause', 'resume', 'promote', 'abort', 'rollback', 'stop'),
    }),
  },
);

const specs: fc.Arbitrary<Partial<RolloutSpecInput>> = fc.record({
  canary: fc.record({ count: fc.integer({ min: 0, max: 2 }) }),
  steps: fc.constantFrom<RolloutSpecInput['steps']>(
    [],
    [{ setPercent: 40 }, { setPercent: 100 }],
    [{ setCount: 3 }, { pause: { for: '5m' } }],
  ),
  retries: fc.record({ count: fc.integer({ min: 0, max: 2 }), kinds: fc.constant(['any' as const]), after: fc.constant('1m') }),
  onFailure: fc.constantFrom('rollback' as const, 'abort' as const, 'pause' as const),
  onDeviceFailure: fc.constantFrom('return' as const, 'keep' as const),
  failureThresholds: fc.constantFrom([], [{ percent: 50, minimumExecuted: 2 }]),
});

interface Row {
  [key: string]: unknown;
  device: string;
  state: TargetState;
  attempt: number;
  previous_release: string | null;
  desired: string;
  original: string;
}

const rowsOf = async (db: Database): Promise<Row[]> => [
  ...(await db.execute<Row>(sql`
    select t.device, t.state, t.attempt, t.previous_release, s.release as desired, d.labels->>'original' as original
    from rollout_targets t join desired_states s on s.device = t.device join devices d on d.id = t.device order by t.device`)),
];

/** What holds after every step, whatever came before. */
async function requireInvariants(fleet: ExampleFleet, touched: ReadonlySet<string>): Promise<void> {
  const rows = await rowsOf(fleet.db);
  expect(rows).toHaveLength(DEVICES);
  const inState = (state: TargetState): Row[] => rows.filter((row) => row.state === state);
  expect(inState('assigned').length).toBeLessThanOrEqual(MAX_IN_FLIGHT);
  const bySite = Map.groupBy(inState('assigned'), ({ device }) => Number(device.slice(-6)) % 3);
  for (const site of bySite.values()) expect(site.length).toBeLessThanOrEqual(PER_SITE);
  const view = await fleet.rollouts.show('r');
  if (over.includes(view.state)) expect(view.counts.waiting + view.counts.assigned + view.counts.returning).toBe(0);
  // Each device stands in one place.
  expect(Object.values(view.counts).reduce((sum, devices) => sum + devices, 0)).toBe(DEVICES);
  for (const { device, state, previous_release: previous, desired, original } of rows) {
    // Nobody's previous release is the new one, or that of another device.
    if (previous !== null && !touched.has(device)) expect(previous).toBe(digestOf(original));
    if (['assigned', 'succeeded'].includes(state)) expect(desired).toBe(digestOf('two'));
    if (['returning', 'returned', 'unconfirmed'].includes(state)) expect(desired).toBe(previous);
    if (state === 'returned' && !touched.has(device)) expect(await fleet.running(device)).toBe(original);
  }
  const events = await fleet.rollouts.timeline('r', { limit: 200, offset: 0 });
  expect(new Set(events.items.map(({ sequence }) => sequence)).size).toBe(events.items.length);
}

/** Some run, some fail, some say nothing: the same for the same seed. */
const behaviourOf =
  (seed: number) =>
  (device: string): Outcome => {
    const drawn = (Number(device.slice(-6)) * 7919 + seed) % 10;
    return drawn < 6 ? 'run' : drawn < 8 ? { fail: 'self-test-failed' } : 'silent';
  };

/** A fleet, whoever carries its rollout on at the moment, and the devices that somebody else has touched. */
class World {
  readonly touched = new Set<string>();
  readonly fleet: ExampleFleet;
  readonly devices: readonly string[];
  runner: ExampleFleet['rollouts'];

  constructor(fleet: ExampleFleet, devices: readonly string[]) {
    this.fleet = fleet;
    this.devices = devices;
    this.runner = fleet.rollouts;
  }

  /** Another process goes on, once the lease of the one that has ended runs out. */
  #reborn(options: Parameters<ExampleFleet['restart']>[0] = {}): void {
    this.runner = this.fleet.restart(options);
    this.fleet.clock.add(MINUTE_MS);
  }

  /** One executor for each step: a missing one does not compile. */
  readonly #executors: { [Do in Step['do']]: (step: Extract<Step, { do: Do }>) => Promise<unknown> } = {
    pass: async ({ dieAfter }) => {
      if (dieAfter === undefined) return this.runner.pass();
      this.#reborn({ db: dyingDatabase(this.fleet.db, { left: dieAfter }) });
      await this.runner.pass();
      this.#reborn();
    },
    work: ({ seed }) => this.fleet.work(behaviourOf(seed)),
    // Every device says once more what it has said last.
    again: () => this.fleet.db.execute(sql`update devices set reported_at_ms = ${this.fleet.clock.nowMs()}`),
    wait: async ({ minutes }) => this.fleet.clock.add(minutes * MINUTE_MS),
    flap: ({ device, online }) => this.fleet.setOnline([this.devices[device] ?? ''], online),
    assign: async ({ device }) => {
      const id = this.devices[device] ?? '';
      this.touched.add(id);
      await this.fleet.assign(id, 'one');
      await this.runner.pass();
    },
    act: ({ action }) =>
      this.fleet.rollouts
        .act('r', action, {}, this.fleet.actor('ann'))
        .catch((error: StarlingError) => expect(error.code).toBe('rollout-state')),
  };

  async take(step: Step): Promise<void> {
    await this.#executors[step.do](step as never);
    await requireInvariants(this.fleet, this.touched);
  }

  /** In the end everything comes to an end: devices come back and work, people stop what waits for them. */
  async finish(): Promise<void> {
    await this.fleet.setOnline(this.devices, true);
    for (let turns = 0; turns < 60; turns += 1) {
      await this.runner.pass();
      await this.fleet.work();
      this.fleet.clock.add(30 * MINUTE_MS);
      const { state } = await this.fleet.rollouts.show('r');
      if (state === 'paused') await this.fleet.rollouts.act('r', 'stop', {}, this.fleet.actor('ann'));
      if (over.includes(state)) break;
    }
    await requireInvariants(this.fleet, this.touched);
    expect(over).toContain((await this.fleet.rollouts.show('r')).state);
  }
}

async function worldOf(spec: Partial<RolloutSpecInput>): Promise<World> {
  await database.db.execute(
    sql`truncate rollouts, rollout_targets, rollout_events, rollout_approvals, desired_states, devices, audit_entries cascade`,
  );
  const fleet = createExampleFleet({ db: database.db });
  const add = (release: string) =>
    fleet.addDevices(DEVICES / 2, { release, labels: (index) => ({ site: `s${index % 3}`, original: release }) });
  const devices = [...(await add('three')), ...(await add('one'))];
  await fleet.create({
    ...spec,
    ...{ maxInFlight: MAX_IN_FLIGHT, spread: { label: 'site', maxInFlight: PER_SITE } },
    ...{ deviceTimeout: '10m', stepTimeout: '2h', latecomers: '1d' },
  });
  return new World(fleet, devices);
}

test('whatever devices, people and crashes do, no limit is broken and nobody is left behind', { timeout: 300_000 }, async () => {
  const scripts = fc.array(steps, { minLength: 5, maxLength: 25 });
  const property = fc.asyncProperty(specs, scripts, async (spec, script) => {
    const world = await worldOf(spec);
    for (const step of script) await world.take(step);
    await world.finish();
  });
  await fc.assert(property, { numRuns: 8, seed: 7, endOnFailure: true });
});
