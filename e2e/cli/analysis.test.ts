import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { createStarling, type Ended } from './starling.ts';

let folder: string;
let fleet: ReadyFleet;
let token: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-analysis-cli-'));
  fleet = await startReadyFleet();
  token = (await fleet.client.call(api.createApiToken, { body: { name: 'operator', role: 'operator' } })).secret;
});
afterAll(async () => {
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const starling = (...args: string[]): Promise<Ended> =>
  createStarling(folder, folder).run(args, { environment: { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: token } });

test('templates are pushed, listed, shown and removed; a mistake is told with its place', async () => {
  await writeFile(join(folder, 'wrong.yaml'), 'objectives:\n  - name: errors\n    measure: error-rate\n    atMost: 5 ms\n');
  const wrong = await starling('analysis', 'template', 'push', 'steady', 'wrong.yaml');
  expect(wrong).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/wrong\.yaml:4:13: objectives\.0\.atMost: "ms" is no unit of "error-rate": use %/),
  });

  await writeFile(join(folder, 'steady.yaml'), 'objectives:\n  - name: errors\n    measure: error-rate\n    atMost: 5 %\n');
  expect(await starling('analysis', 'template', 'push', 'steady', 'steady.yaml')).toMatchObject({
    exitCode: 0,
    stdout: 'steady: 1 objectives\n',
  });
  expect((await starling('analysis', 'template', 'list')).stdout).toMatch(/^steady +errors +0.95/m);
  expect((await starling('analysis', 'template', 'show', 'steady')).stdout).toMatch(/^errors +error-rate at most 5 %$/m);
  expect((await starling('analysis', 'template', 'rm', 'steady')).exitCode).toBe(0);
  expect(await starling('analysis', 'template', 'show', 'steady')).toMatchObject({
    exitCode: 4,
    stderr: expect.stringMatching(/no analysis template "steady"/),
  });
});

test('of a rollout that there is not, that is said', async () => {
  for (const words of [
    ['show', 'nothing'],
    ['sql', 'nothing', 'errors'],
  ]) {
    expect(await starling('analysis', ...words)).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(/no rollout nothing/) });
  }
});
