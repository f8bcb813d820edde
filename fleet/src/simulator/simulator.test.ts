import { loadProfiles, matchProfile } from '@starling/device-profiles';
import { cborDecode, deviceIdOf, inferenceRecordSchema, parseWith, telemetryBatchSchema, telemetryKinds } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { createBehaviour, defaultBehaviour } from './behaviour.ts';
import { deviceKeyOf } from './device-key.ts';
import { createOutbox } from './outbox.ts';
import { capabilitiesOfProfile } from './profile-capabilities.ts';
import { recordsOf } from './records.ts';

const profiles = loadProfiles();

test.each(profiles.filter(({ match }) => match.environment === 'node').map((profile) => [profile.name, profile] as const))(
  'a simulated %s is taken for one',
  (name, profile) => {
    expect(matchProfile(capabilitiesOfProfile(profile, 'sim'), profiles).profile).toBe(name);
  },
);

test('browsers are not simulated', () => {
  const browser = profiles.find(({ match }) => match.environment === 'browser') ?? expect.unreachable();
  expect(() => capabilitiesOfProfile(browser, 'sim')).toThrow(expect.objectContaining({ code: 'invalid-request', field: '--profile' }));
});

test('the same secret and place give the same key, and no other', async () => {
  const [key, again, other, stranger] = await Promise.all([
    deviceKeyOf('ab'.repeat(32), 1),
    deviceKeyOf('ab'.repeat(32), 1),
    deviceKeyOf('ab'.repeat(32), 2),
    deviceKeyOf('cd'.repeat(32), 1),
  ]);
  expect(again).toEqual(key);
  const ids = await Promise.all([key, other, stranger].map(({ x }) => deviceIdOf(Buffer.from(x, 'base64url'))));
  expect(new Set(ids).size).toBe(3);
});

describe('behaviour', () => {
  const options = { ...defaultBehaviour, badReleases: ['worse'], latencyFactor: 1.5, errorRate: 0.2, failureShare: 0.25 };
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

  test('follows from seed and place', () => {
    const runs = [1, 1, 2].map((place) => createBehaviour(options, place).window('good', 10_000));
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
    expect(createBehaviour({ ...options, seed: 2 }, 1).window('good', 10_000)).not.toEqual(runs[0]);
  });

  test('of a bad release is as much worse as was asked for', () => {
    const behaviour = createBehaviour(options, 7);
    const [good, worse] = ['good', 'worse'].map((release) => behaviour.window(release, 2_000_000)) as [never, never] as {
      latenciesMs: number[];
      failures: number;
    }[];
    expect(median(worse?.latenciesMs ?? []) / median(good?.latenciesMs ?? [])).toBeCloseTo(1.5, 1);
    expect((worse?.failures ?? 0) / 4000).toBeCloseTo(0.2, 1);
    expect((good?.failures ?? 0) / 4000).toBeLessThan(0.01);
  });

  test('lets the share of devices fail that was asked for, and always the same ones', () => {
    const fails = (place: number): boolean => createBehaviour(options, place).install('worse', 1).fails;
    const places = Array.from({ length: 2000 }, (_, place) => place);
    expect(places.filter(fails).length / places.length).toBeCloseTo(0.25, 1);
    expect(places.map(fails)).toEqual(places.map(fails));
    expect(places.some((place) => createBehaviour(options, place).install('good', 1).fails)).toBe(false);
  });

  test('breaks connections as often as was asked for, or never', () => {
    const waits = Array.from({ length: 4000 }, (_, place) => createBehaviour({ ...options, dropsPerHour: 2 }, place).untilDropMs());
    expect(waits.reduce((sum, each) => sum + each, 0) / waits.length / 1_800_000).toBeCloseTo(1, 1);
    expect(createBehaviour({ ...options, dropsPerHour: 0 }, 1).untilDropMs()).toBe(Number.POSITIVE_INFINITY);
  });
});

test('records are what the fleet takes', () => {
  const window = { startMs: 1, lengthMs: 10_000, release: 'a'.repeat(64), powerModel: undefined, profile: 'raspberry-pi-5' };
  const facts = { name: 'good', pipelines: ['one', 'two'], models: 1 };
  const records = recordsOf(createBehaviour(defaultBehaviour, 1), { ...window, facts });
  expect(records.map(({ kind }) => kind)).toEqual(['inference', 'inference', 'energy', 'health']);
  for (const { kind, payload } of records) parseWith(telemetryKinds[kind], payload);
  expect(inferenceRecordSchema.parse(records[0]?.payload).items).toBe(20);
  expect(recordsOf(createBehaviour(defaultBehaviour, 1), { ...window, release: null, facts: undefined }).map(({ kind }) => kind)).toEqual([
    'energy',
    'health',
  ]);
});

describe('an outbox', () => {
  const record = { bootId: 'b', monotonicMs: 0, wallMs: 1, clock: 'trusted' as const, payload: {} };
  const batchOf = (bytes: Uint8Array | undefined) => cborDecode(bytes ?? expect.unreachable(), telemetryBatchSchema);
  const streamId = 'a'.repeat(26);

  test('sends one batch at a time, and again what was not acknowledged', () => {
    const outbox = createOutbox(streamId);
    for (let count = 0; count < 60; count += 1) outbox.add(record);
    expect(batchOf(outbox.next()).records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
    expect(outbox.next()).toBeUndefined();
    expect(batchOf(outbox.next(true)).records).toHaveLength(50);
    expect(outbox.acknowledge({ streamId: 'b'.repeat(26), sequence: 50 })).toBe(0);
    expect(outbox.acknowledge({ streamId, sequence: 50 })).toBe(50);
    expect(batchOf(outbox.next()).records.map(({ sequence }) => sequence)[0]).toBe(51);
    expect(outbox.acknowledge({ streamId, sequence: 60 })).toBe(10);
    expect(outbox.next()).toBeUndefined();
  });

  test('that is full drops the oldest, and says so', () => {
    const outbox = createOutbox(streamId);
    for (let count = 0; count < 503; count += 1) outbox.add(record);
    const batch = batchOf(outbox.next());
    expect([batch.dropped, batch.records[0]?.sequence]).toEqual([[{ from: 1, to: 3 }], 4]);
    outbox.acknowledge({ streamId, sequence: 53 });
    expect(batchOf(outbox.next()).dropped).toEqual([]);
  });
});

test('in an experiment each arm has its part of the items, and a shadow has copies', () => {
  const [own, other] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];
  const window = { startMs: 1, lengthMs: 1_000_000, release: own, powerModel: undefined, profile: 'raspberry-pi-5' };
  const facts = { name: 'good', pipelines: ['one'], models: 1 };
  const inferences = (isShadow: boolean) =>
    recordsOf(createBehaviour(defaultBehaviour, 1), {
      ...{ ...window, facts },
      experiment: { id: 'e'.repeat(26), isShadow, arms: [{ release: other, facts: { ...facts, name: 'new' }, share: 0.25 }] },
    }).flatMap(({ kind, payload }) => (kind === 'inference' ? [inferenceRecordSchema.parse(payload)] : []));
  const [champion, challenger] = inferences(false);
  expect([champion?.release, challenger?.release]).toEqual([own, other]);
  expect((champion?.items ?? 0) / 2000).toBeCloseTo(0.75, 1);
  expect((challenger?.items ?? 0) / 2000).toBeCloseTo(0.25, 1);
  const [whole, copies] = inferences(true);
  expect(whole?.items).toBe(2000);
  expect(copies?.experiment).toMatchObject({
    isShadow: true,
    compared: (copies?.items ?? 0) - (copies?.failures['simulated-failure'] ?? 0),
  });
});
