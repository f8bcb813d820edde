import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystemClock } from '../clock.ts';
import { openCredentials } from '../credentials.ts';
import { systemRandom } from '../ids.ts';
import { createSinks, type OpenSinks, type Sinks } from './index.ts';

interface Received {
  headers: IncomingMessage['headers'];
  body: string;
}
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const policy = { outputs: [], edges: [], sinks: ['hook'] };
const item = { stream: 'gate', timeMs: 1_700_000_000_000 };
const answerWith =
  (status: number): Answer =>
  (response) =>
    response.writeHead(status).end();

describe('the sink webhook', () => {
  let folder: string;
  let server: Server;
  let received: Received[];
  let answers: Answer[];
  let events: { code: string; detail: Record<string, unknown> }[];
  let told: string;
  let skewMs: number;
  let sinks: Sinks;
  let open: OpenSinks;

  const start = (params: Record<string, unknown> = {}, egress = policy): void => {
    const { port } = server.address() as AddressInfo;
    sinks = createSinks(
      {
        ...{
          device: 'a'.repeat(26),
          clock: { ...createSystemClock(), wallMs: () => Date.now() + skewMs },
          random: systemRandom,
          filesFolder: folder,
        },
        credentials: openCredentials(join(folder, 'credentials.yaml')),
        tell(level, code, message, detail = {}) {
          events.push({ code, detail });
          told += JSON.stringify({ level, code, message, detail });
        },
        encode: async () => new Uint8Array([0xff, 0xd8, 0xff]),
      },
      join(folder, 'sinks'),
    );
    const hook = {
      sink: 'webhook',
      params: { url: `http://127.0.0.1:${port}/hook`, retryDelayMs: 10, retryDelayMaximumMs: 40, ...params },
    };
    open = sinks.open({ name: 'count', nodes: { hook } as never }, egress);
  };
  const deliver = (value: unknown, sequence = 0): Promise<void> => open.deliver('hook', { value }, { ...item, sequence });
  const valuesReceived = (): unknown[] => received.map(({ body }) => (JSON.parse(body) as { value: unknown }).value);
  const codes = (): string[] => events.map(({ code }) => code);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webhook-'));
    [received, answers, events, told, skewMs] = [[], [], [], '', 0];
    server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        received.push({ headers: request.headers, body: Buffer.concat(pieces).toString('utf8') });
        (answers.shift() ?? answerWith(204))(response, request);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await sinks.closeAll();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  test('posts a value with what it belongs to, signed, under a key of its own', async () => {
    await writeFile(join(folder, 'credentials.yaml'), 'hook: { token: s3cret-token }\nhook-secret: { secret: 0123456789abcdef }\n', {
      mode: 0o600,
    });
    start({ credentials: 'hook', signature: 'hook-secret' });
    await deliver({ count: 3 }, 7);
    await expect.poll(() => received).toHaveLength(1);
    const [{ headers, body }] = received as [Received];
    expect(JSON.parse(body)).toEqual({
      device: 'a'.repeat(26),
      pipeline: 'count',
      node: 'hook',
      ...item,
      sequence: 7,
      value: { count: 3 },
    });
    const mac = createHmac('sha256', '0123456789abcdef')
      .update(`${String(headers['starling-timestamp'])}.${body}`)
      .digest('hex');
    expect(headers).toMatchObject({
      'starling-signature': `v1=${mac}`,
      authorization: 'Bearer s3cret-token',
      'content-type': 'application/json',
    });
    expect(headers['idempotency-key']).toMatch(/^[a-z2-7]{26}$/);
    expect(events).toEqual([]);
  });

  test('sends pictures as base64, and numbers that JSON has no word for as null', async () => {
    start();
    await open.deliver(
      'hook',
      { value: { scores: new Float32Array([0.5, Number.NaN]) }, image: new Uint8Array([0xff, 0xd8, 0xff, 1]) },
      { ...item, sequence: 0 },
    );
    await expect.poll(() => received).toHaveLength(1);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      value: { scores: [0.5, null] },
      image: { contentType: 'image/jpeg', base64: Buffer.from([0xff, 0xd8, 0xff, 1]).toString('base64') },
    });
  });

  test.each<[string, Answer[], string, number?]>([
    ['answers 500', [answerWith(500), answerWith(500)], 'webhook-refused'],
    ['answers 401', [answerWith(401)], 'webhook-refused'],
    ['resets the connection', [(_, request) => request.socket.resetAndDestroy()], 'webhook-unreachable'],
    ['hangs', [() => undefined], 'webhook-timed-out', 5_000],
    ['sends elsewhere', [(response) => response.writeHead(302, { location: '/other' }).end()], 'webhook-refused'],
  ])(
    'tries again, in order and under the same key, what a server that %s did not take',
    { timeout: 40_000 },
    async (_, failures, code, timeoutMs = 60_000) => {
      answers = [...failures];
      start({ timeoutMs });
      await Promise.all([0, 1, 2].map((value) => deliver(value, value)));
      await expect.poll(() => received).toHaveLength(failures.length + 3);
      expect(valuesReceived()).toEqual([...failures.map(() => 0), 0, 1, 2]);
      expect(new Set(received.map(({ headers }) => headers['idempotency-key'])).size).toBe(3);
      // Told once, however often it failed, and once that it is over.
      await expect.poll(() => codes()).toEqual([code, 'sink-recovered']);
    },
  );

  test('takes an answer that never ends for what its status says', async () => {
    answers = [(response) => response.writeHead(200).write('x')];
    start({ timeoutMs: 60_000 });
    await deliver(1);
    await deliver(2);
    await expect.poll(() => valuesReceived()).toEqual([1, 2]);
  });

  test('gives up a value that the other side calls wrong, and goes on with the next', async () => {
    answers = [answerWith(422)];
    start();
    await deliver('bad');
    await deliver('good');
    await expect.poll(() => valuesReceived()).toEqual(['bad', 'good']);
    expect(events).toEqual([{ code: 'webhook-refused', detail: expect.objectContaining({ node: 'hook' }) }]);
  });

  test('gives up what could not be delivered for too long', async () => {
    answers = Array.from({ length: 1000 }, () => answerWith(500));
    start({ maximumAgeHours: 1 });
    await deliver('old');
    await expect.poll(() => codes()).toEqual(['webhook-refused']);
    skewMs = 3_700_000;
    await deliver('new');
    answers = [];
    await expect.poll(() => codes()).toContain('sink-gave-up');
    await expect.poll(() => valuesReceived().at(-1)).toBe('new');
  });

  test('never holds the pipeline up: a value is accepted while the other side hangs', async () => {
    answers = Array.from({ length: 100 }, () => () => undefined);
    start({ timeoutMs: 60_000 });
    for (let index = 0; index < 20; index += 1) await deliver(index, index);
    expect(received.length).toBeLessThanOrEqual(1);
  });

  test('waits for credentials that are missing or open to others, names them, and tells their words to nobody', async () => {
    start({ credentials: 'hook' });
    await deliver(1);
    await expect.poll(() => codes()).toEqual(['unknown-credentials']);
    const path = join(folder, 'credentials.yaml');
    await writeFile(path, 'hook: { username: me, password: hunter22 }\n');
    await chmod(path, 0o644);
    await expect.poll(() => codes()).toEqual(['unknown-credentials', 'exposed-file']);
    await chmod(path, 0o600);
    await expect.poll(() => received).toHaveLength(1);
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:hunter22').toString('base64')}`);
    expect(told).not.toContain('hunter22');
  });

  test('opens no connection where the release does not name it', async () => {
    start({}, { ...policy, sinks: [] });
    await deliver(1);
    await deliver(2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(received).toEqual([]);
  });

  test('stays open over a switch of releases that both have it, and keeps what waits', async () => {
    answers = [answerWith(503)];
    start({ retryDelayMs: 200 });
    await deliver(1);
    await expect.poll(() => received).toHaveLength(1);
    const before = open;
    const { port } = server.address() as AddressInfo;
    const params = { url: `http://127.0.0.1:${port}/other`, retryDelayMs: 10 };
    open = sinks.open({ name: 'count', nodes: { hook: { sink: 'webhook', params } } as never }, policy);
    await before.close();
    await deliver(2);
    await expect.poll(() => valuesReceived()).toEqual([1, 1, 2]);
  });
});
