import { readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, generatePrivateKey, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { createOperator } from '../harness/operator.ts';
import { startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { startFleetProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { publishBrightSpots } from '../taps/bright-spots.ts';

describe('a fleet that is set back to a backup', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let release: ReleaseView;
  let starling: Starling;
  let file: string;
  const dataDirectory = (): string => join(fleet.folder, 'fleet');
  const keyFile = (): string => join(fleet.folder, 'publisher.json');

  beforeAll(async () => {
    fleet = await startRunningFleet();
    release = await publishBrightSpots(fleet, []);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
    starling = createStarling(fleet.folder, fleet.folder);
    await writeFile(keyFile(), JSON.stringify(fleet.keys.publisher), { mode: 0o600 });
    file = join(fleet.folder, 'backup.tar.gz');
  });
  afterAll(() => fleet?.stop());

  const restore = (...more: string[]) => ['restore', file, '--data-directory', dataDirectory(), ...more];
  /** A fleet that was away for long is asked again only after a while: a start asks at once. */
  const restartAgent = async (): Promise<void> => {
    await agent.kill();
    agent = await fleet.startAgent('agent');
  };
  const withKey = (path = keyFile()) => ({ environment: { STARLING_PUBLISHER_KEY: path } });

  test('is believed by its devices again, which know newer orders, in an epoch that its publisher has signed', async () => {
    const { device } = agent.ready;
    await until('telemetry is there', async () => (await fleet.telemetry(device)).length > 0);
    const recordsBefore = (await fleet.telemetry(device)).length;
    await starling.json(['--fleet', fleet.baseUrl, '--token', fleet.token, 'backup', file]);
    for (let count = 0; count < 10; count += 1) await fleet.assign(device, count % 2 === 0 ? null : release);
    await fleet.assign(device, null);
    await until('the device has stopped', async () => ((await fleet.device(device)).reported?.running === null ? true : undefined));
    const { desired } = await fleet.device(device);
    await fleet.process.kill();
    await rename(dataDirectory(), `${dataDirectory()}.old`);

    const ended = await starling.run([...restore(), '--json'], withKey());
    expect(ended.stderr).toMatch(/done/);
    expect(JSON.parse(ended.stdout)).toMatchObject({ devices: 1, head: { epoch: 1 }, end: { tables: { devices: 1 } } });
    await fleet.start();
    await restartAgent();
    const view = await fleet.untilRunning(device, release);
    expect(view.desired?.epoch).toBeGreaterThan(1000);
    expect(view.desired?.generation).toBeLessThan(desired?.generation ?? 0);
    expect((await fleet.telemetry(device)).length).toBeGreaterThanOrEqual(recordsBefore);
    // What comes after it is of the new epoch, and followed.
    await fleet.assign(device, null);
    await until('it stops again', async () => ((await fleet.device(device)).reported?.running === null ? true : undefined));
    const audit = await fleet.client.call(api.listAudit, { query: { search: 'fleet.backup' } });
    expect(audit.total).toBe(1);
  });

  test('is not filled from what is damaged, or over another fleet, or by a key that may not', async () => {
    const errorOf = async (args: string[], options = withKey()) => {
      const ended = await starling.run([...args, '--json'], options);
      expect(ended.exitCode).not.toBe(0);
      return (JSON.parse(ended.stdout) as { error: { code: string; field?: string } }).error;
    };
    const empty = join(fleet.folder, 'empty');
    const into = ['restore', file, '--data-directory', empty];
    await fleet.process.stop();
    expect(await errorOf(restore())).toMatchObject({ code: 'not-empty', field: 'dataDirectory' });
    const stranger = join(fleet.folder, 'stranger.json');
    await writeFile(stranger, JSON.stringify(await generatePrivateKey()), { mode: 0o600 });
    expect(await errorOf(into, withKey(stranger))).toMatchObject({ code: 'unknown-key' });
    const whole = await readFile(file);
    await truncate(file, whole.length - 5000);
    expect(await errorOf(into)).toMatchObject({ code: 'bad-backup', field: 'file' });
    await writeFile(file, 'no backup at all');
    expect(await errorOf(into)).toMatchObject({ code: 'bad-backup' });
    await writeFile(file, whole);
    // None of them has left anything behind.
    expect(await starling.json([...into, '--sign-with', 'publisher']).catch((error: unknown) => String(error))).toMatch(/no key file/);
    expect((await starling.run(into, withKey())).exitCode).toBe(0);
  });

  test('cannot be had by a token that may not do everything', async () => {
    await fleet.start();
    const { secret } = await fleet.client.call(api.createApiToken, { body: { name: 'narrow', role: 'admin', scopes: ['devices:read'] } });
    const answer = await fetch(`${fleet.baseUrl}/api/v1/backup`, { headers: { authorization: `Bearer ${secret}` } });
    expect(await answer.json()).toMatchObject({ code: 'out-of-scope' });
    expect((await fetch(`${fleet.baseUrl}/api/v1/backup`)).status).toBe(401);
  });

  describeWith(['postgres'], 'and carried to a Postgres server', ({ postgres }) => {
    test('goes on there, and no device sees a difference', async () => {
      const server = await startPostgres(postgres);
      try {
        const { device } = agent.ready;
        await restartAgent();
        await fleet.assign(device, release);
        const before = await fleet.untilRunning(device, release);
        await fleet.process.stop();
        const to = join(fleet.folder, 'moved');
        const places = ['--data-directory', dataDirectory(), '--to-data-directory', to, '--to-database-url', server.url];
        await starling.json(['migrate', ...places]);
        const port = new URL(fleet.baseUrl).port;
        const moved = await startFleetProcess({
          dataDirectory: to,
          flags: { ...fleet.flags, 'database-url': server.url, 'http-port': port },
        });
        await restartAgent();
        try {
          const { client } = createOperator({ baseUrl: fleet.baseUrl, token: fleet.token, keys: fleet.keys });
          const view = await until('the device is back', async () => {
            const seen = await client.call(api.showDevice, { params: { id: device } });
            return seen.online ? seen : undefined;
          });
          expect(view.desired).toMatchObject({ epoch: before.desired?.epoch, generation: before.desired?.generation });
          await client.call(api.assignDevice, { params: { id: device }, body: { release: null } });
          await until('it follows', async () => {
            const { reported } = await client.call(api.showDevice, { params: { id: device } });
            return reported?.running === null ? true : undefined;
          });
        } finally {
          await moved.stop();
        }
      } finally {
        await server.stop();
      }
    });
  });
});
