import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addToHistogram,
  createHistogram,
  type ExperimentSpecInput,
  experimentSpecSchema,
  latencyEdgesMs,
  makeResultId,
} from '@starling/shared';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { createFeedback } from '../feedback/index.ts';
import { createExampleFleet, digestOf, type ExampleFleet } from '../rollouts/example-fleet.ts';
import { keepExperiments } from './index.ts';
import { seeded } from './seeded.ts';

const MINUTE_MS = 60_000;
let directory: string;
let database: OpenDatabase;
let fleet: ExampleFleet;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-experiments-'));
  database = await openDatabase({ directory });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  await database.db.execute(sql`truncate experiments, experiment_devices, experiment_events, experiment_looks, experiment_figures, feedback_outcomes,
    rollouts, rollout_targets, rollout_events, rollout_approvals, desired_states, devices, audit_entries, releases cascade`);
  fleet = createExampleFleet({ db: database.db });
});

const split = { name: 'signs', selector: 'true', mode: 'split', challengers: [{ release: 'two', percent: 10 }] } as const;
const create = (changes: Partial<ExperimentSpecInput> = {}, all = true) =>
  fleet.experiments.create(experimentSpecSchema.parse({ ...split, ...changes }), all, fleet.actor('ann'));

interface Window {
  items: number;
  failures?: number;
  compared?: number;
  agreed?: number;
}

/** A window of a device on an arm, as its telemetry would bring it. */
async function tell(
  experiment: string,
  device: string,
  release: string,
  { items, failures = 0, compared = 0, agreed = 0 }: Window,
): Promise<void> {
  const latencyMs = createHistogram(latencyEdgesMs);
  for (let item = failures; item < items; item += 1) addToHistogram(latencyMs, 20);
  const arm = { id: experiment, isShadow: compared > 0, compared, agreed, shed: 0 };
  const payload = {
    ...{
      startMs: 0,
      lengthMs: 10_000,
      release: digestOf(release),
      pipeline: 'p',
      items,
      dropped: 0,
      latencyMs,
      nodes: {},
      experiment: arm,
    },
    failures: failures === 0 ? {} : { 'node-failed': failures },
  };
  await database.db.transaction((tx) => keepExperiments(tx, [{ device, kind: 'inference', payload }]));
}
const look = async (afterMs = MINUTE_MS): Promise<void> => {
  fleet.clock.add(afterMs);
  await fleet.experiments.pass();
};
const desiredOf = async (device: string) => {
  const [row] = await database.db.execute<{ generation: number; release: string; experiment: { arms: { share: number }[] } | null }>(
    sql`select generation, release, experiment from desired_states where device = ${device}`,
  );
  return row ?? expect.unreachable();
};

describe('devices of an experiment', () => {
  test('get challengers beside what they run, with a new generation, and are alone again when it is over', async () => {
    const [first = ''] = await fleet.addDevices(3);
    const { id, state, devices, arms } = await create();
    expect({ state, devices }).toEqual({ state: 'running', devices: 3 });
    expect(arms.map(({ share, isChampion }) => [share, isChampion])).toEqual([
      [0.9, true],
      [0.1, false],
    ]);
    expect(await desiredOf(first)).toMatchObject({
      generation: 2,
      release: digestOf('one'),
      experiment: { id, arms: [{ release: digestOf('two'), share: 0.1 }] },
    });
    await fleet.work();
    await look();
    expect((await fleet.experiments.show(id)).arms.map((arm) => arm.devices)).toEqual([3, 3]);
    const paused = await fleet.experiments.act(id, 'pause', { reason: 'a look' }, fleet.actor('ann'));
    expect(paused.state).toBe('paused');
    expect((await desiredOf(first)).experiment?.arms[0]?.share).toBe(0);
    await fleet.experiments.act(id, 'resume', {}, fleet.actor('ann'));
    expect((await desiredOf(first)).experiment?.arms[0]?.share).toBe(0.1);
    const over = await fleet.experiments.act(id, 'stop', {}, fleet.actor('ann'));
    expect(over).toMatchObject({ state: 'stopped', devices: 0 });
    expect(await desiredOf(first)).toMatchObject({ experiment: null, release: digestOf('one') });
    await expect(fleet.experiments.act(id, 'resume', {}, fleet.actor('ann'))).rejects.toMatchObject({
      code: 'experiment-state',
      hint: 'possible now: promote',
    });
  });

  test('come in as they match, up to the most that is wanted, and only those that run the champion', async () => {
    await fleet.addDevices(4, { labels: () => ({ site: 'north' }) });
    await fleet.addDevices(2, { labels: () => ({ site: 'north' }), release: 'three' });
    await fleet.addDevices(1);
    const { id, devices } = await create({ champion: 'one', selector: 'labels.site == "north"', maximumDevices: 5 });
    expect(devices).toBe(4);
    await fleet.addDevices(3, { labels: () => ({ site: 'north' }) });
    await look();
    expect((await fleet.experiments.show(id)).devices).toBe(5);
    await expect(create({ name: 'other', selector: 'labels.site == "north"' })).rejects.toMatchObject({
      code: 'several-champions',
      field: 'champion',
    });
  });

  test('leave with whatever somebody else gives them', async () => {
    const [first = ''] = await fleet.addDevices(2);
    const { id } = await create();
    await fleet.create({ name: 'over-it', release: 'three', supersede: true });
    await fleet.rollouts.pass();
    expect(await desiredOf(first)).toMatchObject({ release: digestOf('three'), experiment: null });
    await look();
    expect((await fleet.experiments.show(id)).devices).toBe(0);
  });

  test('are in one experiment at a time, and rollouts leave them alone unless they are told otherwise', async () => {
    await fleet.addDevices(2);
    await create();
    await expect(create({ name: 'second', challengers: [{ release: 'three', percent: 5 }] })).rejects.toMatchObject({
      code: 'nothing-to-do',
    });
    await expect(create()).rejects.toMatchObject({ code: 'nothing-to-do' });
    await expect(fleet.create({ release: 'three' })).rejects.toMatchObject({ code: 'experiment-running', field: 'selector' });
  });

  test('can still be taken back by the rollout that brought the champion', async () => {
    const [first = ''] = await fleet.addDevices(2, { release: 'three' });
    const { id: rollout } = await fleet.create({ name: 'before', release: 'one' });
    await fleet.rollouts.pass();
    await fleet.work();
    await fleet.rollouts.pass();
    await create();
    await fleet.work();
    await fleet.rollouts.act(rollout, 'rollback', {}, fleet.actor('ann'));
    await fleet.rollouts.pass();
    expect(await desiredOf(first)).toMatchObject({ release: digestOf('three'), experiment: null });
  });
});

describe('what is refused, with the field and the fix', () => {
  test.each<[string, Partial<ExperimentSpecInput>, { code: string; field: string }]>([
    [
      'a release that is not there',
      { challengers: [{ release: 'nine', percent: 10 }] },
      { code: 'unknown-release', field: 'challengers.0.release' },
    ],
    [
      'the champion against itself',
      { challengers: [{ release: 'one', percent: 10 }] },
      { code: 'same-release', field: 'challengers.0.release' },
    ],
    ['a selector that matches nothing', { selector: 'labels.site == "moon"' }, { code: 'no-champion', field: 'selector' }],
    ['a champion that no device runs', { champion: 'three' }, { code: 'nothing-to-do', field: 'selector' }],
    ['guards that nobody knows', { guards: 'no-such' }, { code: 'unknown-template', field: 'guards' }],
  ])('%s', async (_what, changes, problem) => {
    await fleet.addDevices(2);
    await expect(create(changes)).rejects.toMatchObject(problem);
  });

  test('every device, where that was not said', async () => {
    await fleet.addDevices(2);
    await expect(create({}, false)).rejects.toMatchObject({ code: 'matches-all', field: 'selector' });
  });
});

describe('a verdict', () => {
  test('that a challenger is worse ends it: its devices go on with the champion', async () => {
    const devices = await fleet.addDevices(2);
    const { id } = await create();
    for (const device of devices) {
      await tell(id, device, 'one', { items: 1800, failures: 18 });
      await tell(id, device, 'two', { items: 200, failures: 40 });
    }
    await look();
    const { state, winner, arms, verdict } = await fleet.experiments.show(id);
    expect({ state, winner }).toEqual({ state: 'concluded', winner: digestOf('one') });
    expect(arms[1]).toMatchObject({ verdict: 'worse', items: 400, failures: 80, latencyMs: expect.anything() });
    expect(arms[1]?.difference?.low).toBeGreaterThan(0);
    expect(verdict).toContain('surely worse');
    expect(await desiredOf(devices[0] ?? '')).toMatchObject({ experiment: null, release: digestOf('one') });
  });

  test('is not there while little is known, and what is known can be drawn over time', async () => {
    const [device = ''] = await fleet.addDevices(2);
    const { id } = await create();
    await tell(id, device, 'one', { items: 1800, failures: 18 });
    await tell(id, device, 'two', { items: 200, failures: 3 });
    await look();
    await look(30 * MINUTE_MS);
    expect(await fleet.experiments.show(id)).toMatchObject({ state: 'running', arms: [{ verdict: 'champion' }, { verdict: 'undecided' }] });
    const { items } = await fleet.experiments.looks(id, { limit: 10, offset: 0 });
    expect(items.map(({ arms }) => arms.map(({ share, items: own }) => [share, own]))).toEqual([
      [
        [0.9, 1800],
        [0.1, 200],
      ],
      [
        [0.9, 1800],
        [0.1, 200],
      ],
    ]);
  });

  test('waits for a person where items went other ways than they should', async () => {
    const [device = ''] = await fleet.addDevices(2);
    const { id } = await create();
    await tell(id, device, 'one', { items: 1900 });
    await tell(id, device, 'two', { items: 20 });
    await look();
    const paused = await fleet.experiments.show(id);
    expect(paused).toMatchObject({ state: 'paused', sampleRatio: { mismatch: true } });
    await fleet.experiments.act(id, 'resume', { reason: 'known' }, fleet.actor('ann'));
    await look();
    expect((await fleet.experiments.show(id)).state).toBe('running');
  });

  test('on a shadow rests on what agrees', async () => {
    const [device = ''] = await fleet.addDevices(2);
    const { id } = await create({ mode: 'shadow', challengers: [{ release: 'two' }], goal: { atLeast: 0.9 }, shadow: { share: 0.5 } });
    expect((await desiredOf(device)).experiment).toMatchObject({ mode: 'shadow', shadow: { maxCpuShare: 0.25 }, arms: [{ share: 0.5 }] });
    await tell(id, device, 'one', { items: 2000 });
    await tell(id, device, 'two', { items: 1000, compared: 1000, agreed: 700 });
    await look();
    expect(await fleet.experiments.show(id)).toMatchObject({
      state: 'concluded',
      winner: digestOf('one'),
      arms: [{}, { verdict: 'worse', compared: 1000 }],
    });
  });

  test('that there is none comes when the time is over, also in a pause', async () => {
    await fleet.addDevices(2);
    const { id } = await create({ stop: { after: '1d' } });
    await fleet.experiments.act(id, 'pause', {}, fleet.actor('ann'));
    await look(2 * 86_400_000);
    expect(await fleet.experiments.show(id)).toMatchObject({ state: 'concluded', winner: null });
  });
});

describe('feedback', () => {
  const random = seeded(7);
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
  const device = 'a'.repeat(26);
  const stranger = 'b'.repeat(26);
  const idsOf = (of: string, release: string, count: number): string[] =>
    Array.from({ length: count }, () => makeResultId({ device: of, release: digestOf(release), atMs: fleet.clock.nowMs() }, bytes));
  const send = (outcomes: readonly { resultId: string; outcome: boolean | number | string }[]) =>
    createFeedback({ db: database.db, clock: fleet.clock }).add(outcomes, { name: 'till' });
  /** So many outcomes of an arm, of which a share is right. */
  const reward = (release: string, count: number, right: number) =>
    send(idsOf(device, release, count).map((resultId, index) => ({ resultId, outcome: index < right })));

  beforeEach(async () => {
    await fleet.addDevices(1, { id: () => device });
    for (const name of ['one', 'two', 'three'])
      await database.db.execute(sql`insert into releases (digest, name, signed, document, created_at_ms, created_by)
        values (${digestOf(name)}, ${name}, '', '{}', 0, 'test')`);
  });

  test('counts each result once, however often and late it is told, and says what it does not know', async () => {
    const { id } = await create({ goal: { measure: 'reward' } }, true);
    const [one = '', two = ''] = [...idsOf(device, 'one', 1), ...idsOf(device, 'two', 1)];
    const outcomes = [one, two].map((resultId) => ({ resultId, outcome: true }));
    expect(await send([...outcomes, { resultId: one, outcome: false }])).toEqual({ taken: 2, repeated: 1, unknown: [] });
    expect(await send(outcomes)).toEqual({ taken: 0, repeated: 2, unknown: [] });
    const [unknown = ''] = idsOf(stranger, 'one', 1);
    expect(await send([{ resultId: unknown, outcome: true }])).toMatchObject({
      taken: 0,
      unknown: [{ resultId: unknown, reason: 'no such device' }],
    });
    const [late = ''] = idsOf(device, 'two', 1);
    fleet.clock.add(3 * 86_400_000);
    await send([{ resultId: late, outcome: false }]);
    await look();
    const { arms } = await fleet.experiments.show(id);
    expect(arms.map(({ outcomes: count, reward: own }) => [count, own?.estimate])).toEqual([
      [1, 1],
      [2, 0.5],
    ]);
  });

  test('turns a verdict, and the winner goes to all devices with one word', async () => {
    const { id } = await create({ goal: { measure: 'reward' } });
    await reward('one', 400, 240);
    await reward('two', 400, 340);
    await look();
    const won = await fleet.experiments.show(id);
    expect(won).toMatchObject({ state: 'concluded', winner: digestOf('two'), arms: [{}, { verdict: 'better', outcomes: 400 }] });
    const promoted = await fleet.experiments.act(id, 'promote', { reason: 'it is better' }, fleet.actor('ann'));
    expect(promoted).toMatchObject({ state: 'promoted', rollout: expect.any(String) });
    await fleet.rollouts.pass();
    expect(await desiredOf(device)).toMatchObject({ release: digestOf('two'), experiment: null });
    await fleet.work();
    await fleet.rollouts.pass();
    expect((await fleet.rollouts.show(promoted.rollout ?? '')).state).toBe('succeeded');
    await expect(fleet.experiments.act(id, 'promote', {}, fleet.actor('ann'))).rejects.toMatchObject({ code: 'experiment-state' });
  });

  test('is worth what the experiment says a label is worth', async () => {
    const { id } = await create({ goal: { measure: 'reward', labels: { kept: 1, returned: 0 } } });
    await send(idsOf(device, 'two', 3).map((resultId, index) => ({ resultId, outcome: ['kept', 'returned', 'lost'][index] ?? '' })));
    await look();
    expect((await fleet.experiments.show(id)).arms[1]).toMatchObject({ outcomes: 2, reward: { estimate: 0.5 } });
  });

  test('moves a bandit to what is rewarded, in periods, and every arm keeps its floor', async () => {
    const challengers = [{ release: 'two' }, { release: 'three' }];
    const { id, arms } = await create({
      mode: 'bandit',
      challengers,
      bandit: { floor: 0.1, update: '10m' },
      stop: { onEvidence: 'go-on', onHarm: 'go-on' },
    });
    expect(arms.map(({ share }) => share)).toEqual([1 / 3, 1 / 3, 1 / 3]);
    await reward('one', 100, 50);
    await reward('two', 100, 70);
    await reward('three', 100, 45);
    await look();
    expect((await fleet.experiments.show(id)).arms.map(({ share }) => share)).toEqual([1 / 3, 1 / 3, 1 / 3]);
    await look(10 * MINUTE_MS);
    const moved = (await fleet.experiments.show(id)).arms;
    expect(moved[1]?.share).toBeGreaterThan(0.75);
    expect(moved[0]?.share).toBeGreaterThanOrEqual(0.1);
    expect(moved[2]?.share).toBeCloseTo(0.1, 2);
    expect(moved.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect((await desiredOf(device)).experiment?.arms.map(({ share }) => share)).toEqual(moved.slice(1).map(({ share }) => share));
    const armOf = await Promise.all(Array.from({ length: 200 }, (_, item) => fleet.experiments.armOf(id, `${item}`)));
    expect(armOf.filter(({ name }) => name === 'two').length).toBeGreaterThan(130);
  });
});
