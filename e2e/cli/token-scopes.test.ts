import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { createStarling, type Ended } from './starling.ts';

let folder: string;
let fleet: ReadyFleet;
let admin: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-scopes-'));
  fleet = await startReadyFleet();
  admin = (await fleet.client.call(api.createApiToken, { body: { name: 'admin', role: 'admin' } })).secret;
});
afterAll(async () => {
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const as = (token: string, ...args: string[]): Promise<Ended> =>
  createStarling(folder, folder).run(args, { environment: { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: token } });
const create = ['api-token', 'create', '--name', 'charts', '--role', 'operator'];

test('an API token with scopes does what they say, and is told which one is missing', async () => {
  const made = await as(admin, ...create, '--scope', 'devices:read', '--scope', 'telemetry:read', '--quiet');
  const token = made.stdout.trim();
  expect((await as(admin, 'api-token', 'ls')).stdout).toMatch(/^charts .* operator +devices:read telemetry:read +live/m);
  expect((await as(token, 'whoami')).stdout).toMatch(/^scopes +devices:read, telemetry:read$/m);
  expect((await as(token, 'device', 'ls')).exitCode).toBe(0);
  const refused = await as(token, 'model', 'ls');
  expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/needs the scope models:read.*\nfix: /) });
});

test('a scope that is none is refused before the fleet is asked, with all that there are', async () => {
  const { exitCode, stdout } = await as(admin, ...create, '--scope', 'nothing:read', '--json');
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: 'usage', field: '--scope', message: expect.stringMatching(/nothing:read.*devices:read/) },
  });
  expect((await as(admin, ...create, '--help')).stdout).toMatch(/^ {2}devices:read, devices:write$/m);
});
