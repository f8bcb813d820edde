import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../harness/running-fleet.ts';
import { scaled } from '../harness/scale.ts';

const program = fileURLToPath(new URL('../sinks/sink-process.ts', import.meta.url));
const KILLS = scaled(40);

let folder: string;
let server: Server;
let received: { key: string; value: number }[];
let requests: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webhook-kill-'));
  [received, requests] = [[], 0];
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      requests += 1;
      const { value } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { value: number };
      // Every seventh is taken, and its answer lost; every fifth is not taken.
      if (requests % 5 === 0) return response.writeHead(503).end();
      received.push({ key: String(request.headers['idempotency-key']), value });
      if (requests % 7 === 0) return request.socket.destroy();
      return response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

test('nothing that a webhook has accepted is lost or changed over kill -9, and what comes twice has the same key', async () => {
  const { port } = server.address() as AddressInfo;
  const nodes = { hook: { sink: 'webhook', params: { url: `http://127.0.0.1:${port}/`, retryDelayMs: 10, retryDelayMaximumMs: 20 } } };
  const start = (first: number, count: number): ChildProcess =>
    fork(program, [JSON.stringify({ folder, nodes, node: 'hook', first, count, pauseMs: 0 })], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  const accepted = new Set<number>();
  let next = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = start(next, 1_000_000);
    child.on('message', (message: { type: string; number?: number }) => {
      if (message.type === 'accepted' && message.number !== undefined) accepted.add(message.number);
    });
    const before = accepted.size;
    await until('some are accepted', () => accepted.size > before + 3, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 30 * (kill % 5)));
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    // One may have been under way that nobody was told of: its number is not used again.
    next = Math.max(next, ...accepted) + 2;
  }
  const last = start(next, 1);
  // It may end by itself once all is delivered: an end that is only then listened for would never come.
  const ended = once(last, 'exit');
  last.on('message', (message: { type: string; number?: number }) => {
    if (message.type === 'accepted' && message.number !== undefined) accepted.add(message.number);
  });
  const missing = (): number[] => {
    const values = new Set(received.map(({ value }) => value));
    return [...accepted].filter((number) => !values.has(number));
  };
  await until(
    'all is delivered',
    () => missing().length === 0,
    120_000,
    () => JSON.stringify({ requests, accepted: accepted.size, received: received.length, missing: missing().slice(0, 30) }),
  );
  last.kill('SIGKILL');
  await ended;
  expect(accepted.size).toBeGreaterThan(KILLS * 2);
  const keys = new Map<string, number>();
  const firstTimes = received.filter(({ key, value }) => {
    if (keys.has(key)) expect(keys.get(key)).toBe(value);
    const isNew = !keys.has(key);
    keys.set(key, value);
    return isNew;
  });
  const values = firstTimes.map(({ value }) => value);
  expect(values).toEqual(values.toSorted((a, b) => a - b));
  expect(new Set(values).size).toBe(values.length);
});
