import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystemClock } from '../clock.ts';
import { openCredentials } from '../credentials.ts';
import { systemRandom } from '../ids.ts';
import { createLog } from '../log.ts';
import { serveLocally } from '../serve.ts';
import { createPushEndpoints, createSources, type PushedAt, type Sources } from './index.ts';

interface Pushed extends PushedAt {
  node: string;
  ports: Readonly<Record<string, unknown>>;
}

describe('sources', () => {
  let folder: string;
  let pushed: Pushed[];
  let codes: string[];
  let sources: Sources;
  let answer: (item: Pushed) => Promise<unknown>;
  const endpoints = createPushEndpoints();

  const open = (nodes: Record<string, unknown>) => sources.open({ name: 'p', nodes: nodes as never });
  const portsOf = (node: string): unknown[] => pushed.filter((each) => each.node === node).map(({ ports }) => ports);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sources-'));
    [pushed, codes] = [[], []];
    answer = async () => ({ outputs: {} });
    const clock = createSystemClock();
    sources = createSources({
      ...{ device: 'a'.repeat(26), clock, random: systemRandom, endpoints, log: createLog('error', clock.wallMs, () => undefined) },
      credentials: openCredentials(join(folder, 'credentials.yaml')),
      tell: (_level, code) => codes.push(code),
      sink: {
        push(node, ports, at) {
          const item = { node, ports, ...at };
          pushed.push(item);
          return answer(item);
        },
      },
    });
  });
  afterEach(async () => {
    await sources.closeAll();
    await rm(folder, { recursive: true });
  });

  describe('folder', () => {
    const put = async (name: string, text = name): Promise<void> => {
      await writeFile(join(folder, `.${name}`), text);
      await rename(join(folder, `.${name}`), join(folder, name));
    };
    const names = (): unknown[] => pushed.map(({ ports }) => ports.name);
    const params = { settleMs: 5 };

    test('gives what is there in order, then what comes, each once', async () => {
      await Promise.all([put('b.png'), put('a.jpg'), put('notes.txt')]);
      open({ in: { source: 'folder', params: { path: folder, ...params } } });
      await expect.poll(() => names()).toEqual(['a.jpg', 'b.png']);
      expect(new TextDecoder().decode(pushed[0]?.ports.image as Uint8Array)).toBe('a.jpg');
      await put('0.png');
      await expect.poll(() => names()).toEqual(['a.jpg', 'b.png', '0.png']);
      await put('a.jpg', 'another picture');
      await expect.poll(() => names()).toEqual(['a.jpg', 'b.png', '0.png', 'a.jpg']);
      expect(pushed[0]).toMatchObject({ stream: 'in', timeMs: expect.any(Number) });
    });

    test('starts again from the first where it is to be read in a loop', async () => {
      await Promise.all([put('a.png'), put('b.png')]);
      open({ in: { source: 'folder', params: { path: folder, loop: true, ...params } } });
      await expect.poll(() => names().slice(0, 5)).toEqual(['a.png', 'b.png', 'a.png', 'b.png', 'a.png']);
    });

    test('waits with an image while nothing runs, and loses none', async () => {
      let isRunning = false;
      answer = async () => {
        if (!isRunning) throw new StarlingError('no-release', 'nothing runs', { retryable: true });
      };
      await put('a.png');
      open({ in: { source: 'folder', params: { path: folder, ...params } } });
      await expect.poll(() => pushed.length).toBe(1);
      isRunning = true;
      await expect.poll(() => names()).toEqual(['a.png', 'a.png']);
    });

    test('gives the next image only when the one before is done', async () => {
      let underWay = 0;
      let most = 0;
      answer = async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setTimeout(resolve, 5));
        underWay -= 1;
      };
      await Promise.all(['a.png', 'b.png', 'c.png'].map((name) => put(name)));
      open({ in: { source: 'folder', params: { path: folder, ...params } } });
      await expect.poll(() => names()).toHaveLength(3);
      expect(most).toBe(1);
    });
  });

  test('timer ticks with count and time, and leaves out what was missed', async () => {
    answer = () => new Promise((resolve) => setTimeout(resolve, 25));
    open({ clock: { source: 'timer', params: { everyMs: 10 } } });
    await expect.poll(() => pushed.length).toBeGreaterThanOrEqual(4);
    const counts = portsOf('clock').map((ports) => (ports as { tick: { count: number } }).tick.count);
    expect(counts[0]).toBe(1);
    expect(new Set(counts).size).toBe(counts.length);
    expect((counts.at(-1) as number) - 1).toBeGreaterThan(counts.length);
  });

  test('keeps a source open that the next release has in the same form, and closes it with the last', async () => {
    const before = open({ clock: { source: 'timer', params: { everyMs: 20 } } });
    await expect.poll(() => pushed.length).toBeGreaterThan(0);
    const after = open({ clock: { source: 'timer', params: { everyMs: 20 } } });
    await before.close();
    const counts = (): number[] => portsOf('clock').map((ports) => (ports as { tick: { count: number } }).tick.count);
    const seen = counts().length;
    await expect.poll(() => counts().length).toBeGreaterThan(seen + 2);
    // Opened anew, it would count from 1 again.
    expect(counts().filter((count) => count === 1)).toHaveLength(1);
    await after.close();
    const last = counts().length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(counts().length).toBe(last);
  });

  test.each([
    [{ source: 'camera' }, 'unsupported-source'],
    [{ source: 'telepathy' }, 'unknown-source'],
    [{ source: 'timer', params: { everyMs: 'often' } }, 'invalid-params'],
  ])('tells why %j is not opened, and opens the others', async (node, code) => {
    open({ bad: { params: {}, ...node }, good: { source: 'timer', params: { everyMs: 10 } } });
    expect(codes).toEqual([code]);
    await expect.poll(() => portsOf('good').length).toBeGreaterThan(0);
  });

  describe('http', () => {
    let server: { port: number; close(): Promise<void> };
    beforeEach(async () => {
      server = await serveLocally(0, { host: {} as never, status: () => ({}) as never, endpoints });
    });
    afterEach(() => server.close());

    const post = async (path: string, body: string | Uint8Array<ArrayBuffer>, type?: string, headers: Record<string, string> = {}) => {
      const response = await fetch(`http://127.0.0.1:${server.port}/v1/sources/${path}`, {
        ...{ method: 'POST', body },
        headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>) };
    };

    test('gives a picture as an item and answers with what came out', async () => {
      answer = async () => ({ outputs: { count: 3 } });
      open({ door: { source: 'http', params: {} } });
      expect(await post('door?stream=left', new Uint8Array([1, 2, 3]), 'image/jpeg')).toEqual({
        status: 200,
        body: { outputs: { count: 3 } },
      });
      expect(pushed).toMatchObject([{ node: 'door', stream: 'door/left', ports: { image: Buffer.from([1, 2, 3]) } }]);
    });

    test('takes bytes without a type for the one kind that it accepts', async () => {
      open({ door: { source: 'http', params: { name: 'front' } } });
      expect((await post('front', new Uint8Array([1]))).status).toBe(200);
    });

    test('puts each body on the port of its kind', async () => {
      open({ any: { source: 'http', params: { accepts: ['json', 'text', 'audio', 'tensor'], tensor: 'tensor<float32,[1,n]>' } } });
      await post('any', '{"a":[1]}', 'application/json; charset=utf-8');
      await post('any', 'hello', 'text/plain');
      await post('any', new Uint8Array(new Float32Array([1, 2.5]).buffer), 'application/octet-stream');
      await post('any', wave(), 'audio/wav');
      expect(portsOf('any')).toEqual([
        { json: { a: [1] } },
        { text: { text: 'hello', confidence: 1 } },
        { tensor: { elementType: 'float32', shape: [1, 2], data: new Float32Array([1, 2.5]) } },
        { audio: { sampleRateHz: 8000, channels: 1, samples: new Float32Array([0, 0.5, -1]) } },
      ]);
    });

    test('goes on with the trace of whoever sends, where its header is one', async () => {
      open({ door: { source: 'http', params: {} } });
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      await post('door', 'x', 'image/png', { traceparent });
      await post('door', 'x', 'image/png', { traceparent: `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01` });
      await post('door', 'x', 'image/png');
      expect(pushed.map((item) => item.traceparent)).toEqual([traceparent, undefined, undefined]);
    });

    test('answers at once where nobody waits', async () => {
      answer = () => new Promise(() => undefined);
      open({ door: { source: 'http', params: { wait: false } } });
      expect(await post('door', new Uint8Array([1]), 'image/png')).toEqual({ status: 202, body: undefined });
    });

    test.each([
      ['an address that is not there', 'nowhere', new Uint8Array([1]), 'image/png', 404, 'unknown-source', 'name'],
      ['a type that it does not take', 'door', 'x', 'application/zip', 415, 'unsupported-type', 'content-type'],
      ['a port that it has not', 'door?port=video', 'x', 'image/png', 415, 'unsupported-type', 'port'],
      ['half a JSON', 'door', '{"a":', 'application/json', 422, 'invalid-json', 'body'],
      ['nothing', 'door', '', 'image/png', 422, 'empty-body', 'body'],
      ['no sound', 'door', 'RIFF', 'audio/wav', 422, 'invalid-audio', 'body'],
      ['half a number', 'door', 'abc', 'application/octet-stream', 422, 'invalid-tensor', 'body'],
      ['too much', 'door', new Uint8Array(1024 * 1024 + 1), 'image/png', 413, 'body-too-large', 'body'],
    ])('refuses %s', async (_, path, body, type, status, code, field) => {
      open({ door: { source: 'http', params: { accepts: ['image', 'json', 'audio', 'tensor'], maximumMegabytes: 1 } } });
      expect(await post(path, body, type)).toEqual({ status, body: expect.objectContaining({ code, field }) });
      expect(pushed).toEqual([]);
    });

    test('answers with the error of the pipeline', async () => {
      answer = async () => {
        throw new StarlingError('not-an-image', 'no picture', { field: 'image', hint: 'send one' });
      };
      open({ door: { source: 'http', params: {} } });
      expect(await post('door', 'x', 'image/png')).toEqual({
        status: 422,
        body: { code: 'not-an-image', detail: 'no picture', field: 'image', hint: 'send one' },
      });
    });

    test('is closed with its release', async () => {
      await open({ door: { source: 'http', params: {} } }).close();
      expect((await post('door', 'x', 'image/png')).status).toBe(404);
    });
  });
});

/** A WAV file of three samples of 16 bits. */
function wave(): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(50);
  bytes.write('RIFF');
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  for (const at of [20, 22]) bytes.writeUInt16LE(1, at);
  bytes.writeUInt32LE(8000, 24);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(6, 40);
  for (const [index, sample] of [0, 16_384, -32_768].entries()) bytes.writeInt16LE(sample, 44 + 2 * index);
  return Uint8Array.from(bytes);
}
