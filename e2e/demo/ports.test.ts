import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePorts } from '../harness/free-ports.ts';
import { readDemoConfig } from './config.ts';
import { startDemoFleet } from './fleet.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-demo-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Something else listens there; on a machine where that was so before, it stays so. */
async function takePort(port: number): Promise<Server> {
  const server = createServer();
  const settled = Promise.race([once(server, 'listening'), once(server, 'error')]);
  server.on('error', () => undefined).listen(port, '0.0.0.0');
  await settled;
  return server;
}

test('a port that was asked for is had, though another one is taken, and that one is told', { timeout: 180_000 }, async () => {
  const other = await takePort(8443);
  const [free = 0] = await freePorts(1);
  const said: string[] = [];
  const config = readDemoConfig(['--directory', directory, '--http-port', `${free}`], {});
  const { process } = await startDemoFleet(
    config,
    () => undefined,
    (text) => said.push(text),
  );
  try {
    const { http, https } = process.ready.addresses;
    expect(new URL(http).port).toBe(`${free}`);
    const { port } = new URL(https);
    expect(port).not.toBe('8443');
    expect(said.join()).toContain(`port 8443 is taken, so HTTPS is at ${port}`);
  } finally {
    await process.stop();
    other.close();
  }
});

test('a port that was asked for and is taken is refused by its name', { timeout: 180_000 }, async () => {
  const [taken = 0] = await freePorts(1);
  const other = await takePort(taken);
  try {
    const config = readDemoConfig(['--directory', directory, '--http-port', `${taken}`], {});
    await expect(startDemoFleet(config, () => undefined)).rejects.toMatchObject({
      ...{ code: 'port-taken', field: '--http-port', message: `port ${taken} for HTTP is taken (--http-port)` },
      hint: expect.stringContaining('give another port'),
    });
  } finally {
    other.close();
  }
});
