import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { createExampleFleet } from './example-fleet.ts';

let directory: string;
let database: OpenDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-runner-'));
  database = await openDatabase({ directory });
}, 120_000);
afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

test('a server that does not say whether it agrees holds up its own rollout alone', { timeout: 60_000 }, async () => {
  const answer = Promise.withResolvers<string | undefined>();
  let asked = 0;
  const objection = (): Promise<string | undefined> => {
    asked += 1;
    return answer.promise;
  };
  const judge = async () => ({ verdict: 'running' as const, reason: '', detail: null });
  const fleet = createExampleFleet({ db: database.db, analysis: { resolve: async (reference) => reference, judge, objection } });
  await fleet.addDevices(4, { labels: (index) => ({ half: index % 2 === 0 ? 'a' : 'b' }) });
  await fleet.create({ name: 'asks', selector: 'labels.half == "a"', priority: 2, analysis: { objectives: [] } });
  await fleet.create({ name: 'goes-on', selector: 'labels.half == "b"', priority: 1 });
  const stateOf = async (name: string) => (await fleet.rollouts.show(name)).state;
  await fleet.rollouts.start();
  await expect.poll(() => stateOf('goes-on'), { timeout: 30_000 }).toBe('running');
  // More than one pass has come by, and it is asked once.
  await expect.poll(async () => (await fleet.rollouts.show('goes-on')).counts.assigned, { timeout: 30_000 }).toBe(2);
  expect([await stateOf('asks'), asked]).toEqual(['scheduled', 1]);
  answer.resolve(undefined);
  await expect.poll(() => stateOf('asks'), { timeout: 30_000 }).toBe('running');
  await fleet.rollouts.close();
});
