import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { growFromSeed } from './seeds.ts';

let folder: string;
/** Seeds of one run have one name space. */
const name = `seeds-test-${process.pid}`;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-seeds-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('is made by one of those that ask, after another has failed, and each gets a copy of its own', async () => {
  let made = 0;
  const make = async (to: string): Promise<void> => {
    made += 1;
    await mkdir(to);
    await writeFile(join(to, 'number'), `${made}`, { mode: 0o600 });
    if (made === 1) throw new StarlingError('no-luck', 'the first one fails');
  };
  const folders = [0, 1, 2, 3].map((index) => join(folder, `copy-${index}`));
  const outcomes = await Promise.allSettled(folders.map((to) => growFromSeed(name, to, make)));
  expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { code: 'no-luck' } }]);
  expect(made).toBe(2);
  const grown = folders.filter((_, index) => outcomes[index]?.status === 'fulfilled');
  await writeFile(join(grown[0] ?? '', 'number'), 'changed');
  expect(await Promise.all(grown.map((to) => readFile(join(to, 'number'), 'utf8')))).toEqual(['changed', '2', '2']);
});
