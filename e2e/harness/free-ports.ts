import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { seedsFolder } from './config.ts';
import { isMadeHere } from './seeds.ts';

/** Below those that systems hand out by themselves (from 32768 on Linux): no connection of another process takes one meanwhile. */
const FIRST = 10_240;
const LAST = 32_767;

/** Ports of loopback that were free a moment ago, all different, and given to nobody else in this run of the tests: some are used minutes later. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  while (held.length < count) {
    const port = randomInt(FIRST, LAST + 1);
    if (!(await isGivenTo(port))) continue;
    const server = await listenOn(port);
    if (server !== undefined) held.push({ port, server });
  }
  await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  return held.map(({ port }) => port);
}

/** Whether the port is the caller's from now on. Suites run in processes of their own: making a folder is what one of them manages to do. */
async function isGivenTo(port: number): Promise<boolean> {
  const seeds = seedsFolder();
  if (seeds === undefined) return true;
  const given = join(seeds, 'ports');
  await mkdir(given, { recursive: true });
  return isMadeHere(join(given, `${port}`));
}

async function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}
