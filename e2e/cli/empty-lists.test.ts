import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { createStarling } from './starling.ts';

let folder: string;
let fleet: ReadyFleet;
let token: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-empty-'));
  fleet = await startReadyFleet();
  token = (await fleet.client.call(api.createApiToken, { body: { name: 'operator', role: 'operator' } })).secret;
});
afterAll(async () => {
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const says = async (...args: string[]): Promise<string> =>
  (await createStarling(folder, folder).run(args, { environment: { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: token } })).stderr;

test('a list in which nothing is says whether there is nothing, or nothing that matches', async () => {
  expect(await says('device', 'ls')).toMatch(/^no devices yet; make a claim token/);
  expect(await says('device', 'ls', '--sort', 'name')).toMatch(/^no devices yet/);
  for (const filter of [
    ['--select', 'online'],
    ['--search', 'gate'],
    ['--status', 'online'],
  ])
    expect(await says('device', 'ls', ...filter)).toBe('no device matches; "starling device ls" shows every one\n');
});

test('a misspelt argument is refused before anything is sent', async () => {
  const told = await says('command', 'send', 'logs', '--select', 'online', '--arguments', '{"lineCont": 5}');
  expect(told).toBe('error: "logs" has no argument "lineCont" (--arguments)\nfix: did you mean "lineCount"?\n');
});
