import { connect as connectTcp } from 'node:net';
import { api, cborEncode, jsonDecode, jsonEncode, wireTable } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSession } from '../harness/protocol-device.ts';
import { type Neighbours, recordOf, startNeighbours, topics } from './neighbours.ts';

const values = { id: 'x'.repeat(26) };

let neighbours: Neighbours;
beforeAll(async () => {
  neighbours = await startNeighbours();
});
afterAll(() => neighbours.stop());

describe('a device that misbehaves', () => {
  const telemetryTopic = (): string => topics.build('telemetry', { device: neighbours.mallory.id, kind: 'events' });
  let stream = 0;
  const batch = (...payloads: unknown[]): Uint8Array => {
    stream += 1;
    const streamId = `${neighbours.mallory.id.slice(0, 20)}${'abcdefghijklmnopqrstuvwxyz'[stream % 26]}zzzzz`;
    return cborEncode({ streamId, records: payloads.map((payload, index) => recordOf(index + 1, payload)) });
  };
  const event = { level: 'error', code: 'broken' };
  const deep = (levels: number): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level += 1) value = [value];
    return value;
  };

  test.each<[string, () => [string, Uint8Array]]>([
    ['no CBOR', () => [telemetryTopic(), new Uint8Array([0xff, 0xff])]],
    ['an array without end', () => [telemetryTopic(), new Uint8Array([0x9b, 0x7f, ...Array(7).fill(0xff)])]],
    ['nesting without end', () => [telemetryTopic(), new Uint8Array(100_000).fill(0x81)]],
    ['a batch over its limit', () => [telemetryTopic(), new Uint8Array(wireTable.telemetry.maximumBytes + 1)]],
    ['a want that is text', () => [topics.build('blobWant', { device: neighbours.mallory.id }), new TextEncoder().encode('give me all')]],
    [
      'a want without credit',
      () => [
        topics.build('blobWant', { device: neighbours.mallory.id }),
        cborEncode({ want: 1, chunks: [], receivedChunks: 0, creditBytes: 1 }),
      ],
    ],
    ['a hello that is no JSON', () => [topics.build('hello', { device: neighbours.mallory.id }), new Uint8Array([0xc3, 0x28])]],
    [
      'a result of a command that is not its own',
      () => [
        topics.build('result', { device: neighbours.mallory.id, id: values.id }),
        jsonEncode({ id: values.id, status: 'done', atMs: 1 }),
      ],
    ],
    ['a report of another schema', () => [topics.build('reported', { device: neighbours.mallory.id }), jsonEncode({ schemaVersion: 99 })]],
    [
      'a kind of telemetry that is none',
      () => [topics.build('telemetry', { device: neighbours.mallory.id, kind: 'gossip' }), batch({ ...event, message: 'x' })],
    ],
    ['a presence over its limit', () => [topics.build('presence', { device: neighbours.mallory.id }), new Uint8Array(5000).fill(0x20)]],
    ['a NUL in a text', () => [telemetryTopic(), batch({ ...event, message: 'cut\0off' })]],
    ['half a surrogate pair', () => [telemetryTopic(), batch({ ...event, message: 'x\ud800', detail: { '\udfff': 1 } })]],
    ['a NUL in a key', () => [telemetryTopic(), batch({ ...event, message: 'x', detail: { 'a\0b': 1 } })]],
    ['a number that JSON has not', () => [telemetryTopic(), batch({ ...event, message: 'x', detail: { big: 2n ** 63n } })]],
    ['detail too deep for a database', () => [telemetryTopic(), batch({ ...event, message: 'x', detail: { deep: deep(1000) } })]],
    [
      'sequences at the end of numbers',
      () => [
        telemetryTopic(),
        cborEncode({
          streamId: neighbours.mallory.id,
          records: [recordOf(Number.MAX_SAFE_INTEGER)],
          dropped: [{ from: 1, to: Number.MAX_SAFE_INTEGER }],
        }),
      ],
    ],
  ])('by %s disturbs nobody', async (_what, message) => {
    const [topic, payload] = message();
    const session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
    // Before, with and after the other's, so that they share a transaction.
    for (let round = 0; round < 3; round += 1) {
      const sent = Array.from({ length: 5 }, () => session.client.publishAsync(topic, Buffer.from(payload), { qos: 1 }));
      expect(await neighbours.bobWorks()).toBeLessThan(2000);
      await Promise.all(sent);
    }
    expect(session.isOpen()).toBe(true);
    await session.end();
    expect(await neighbours.bobWorks()).toBeLessThan(2000);
  });

  test('by a text that a database cannot hold still gets its acknowledgement', async () => {
    const session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
    await session.client.subscribeAsync(topics.deviceFilters(neighbours.mallory.id), { qos: 1 });
    const payload = cborEncode({ streamId: 'c'.repeat(26), records: [recordOf(1, { ...event, message: 'cut\0off' })] });
    await session.client.publishAsync(telemetryTopic(), Buffer.from(payload), { qos: 1 });
    const answer = await session.received(topics.build('acknowledgement', { device: neighbours.mallory.id, kind: 'events' }));
    expect(jsonDecode(answer.payload, wireTable.acknowledgement.schema)).toEqual({ streamId: 'c'.repeat(26), sequence: 1 });
    await session.end();
  });

  test('by a histogram of its own kind leaves the figures of the fleet readable', async () => {
    const session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
    const window = { startMs: Date.now(), lengthMs: 1000, release: null, pipeline: 'p', items: 1 };
    const odd = { edges: [1, 2], counts: [1, 0, 0], count: 1, sum: 0.5, minimum: 0.5, maximum: 0.5 };
    const other = { ...odd, edges: [3, 4] };
    const payload = cborEncode({
      streamId: 'd'.repeat(26),
      records: [recordOf(1, { ...window, latencyMs: odd }), recordOf(2, { ...window, latencyMs: other })],
    });
    await session.client.publishAsync(
      topics.build('telemetry', { device: neighbours.mallory.id, kind: 'inference' }),
      Buffer.from(payload),
      {
        qos: 1,
      },
    );
    await session.end();
    await expect.poll(async () => (await neighbours.fleet.client.call(api.overview, {})).inference.itemsLastHour).toBe(2);
    await neighbours.fleet.client.call(api.summariseTelemetry, { params: { id: neighbours.mallory.id } });
    await neighbours.fleet.client.call(api.telemetrySeries, { params: { id: neighbours.mallory.id } });
  });

  test('by a packet over the limit of the broker is cut, and nobody else', async () => {
    const session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
    session.client.publish(telemetryTopic(), Buffer.alloc(2 * 1024 * 1024), { qos: 0 });
    await session.closed;
    expect(neighbours.bobSession.isOpen()).toBe(true);
    expect(await neighbours.bobWorks()).toBeLessThan(2000);
  });

  test.each<[string, number[]]>([
    ['bytes that are no MQTT', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['a length without end', [0x10, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a packet before its connect', [0x30, 0x05, 0x00, 0x01, 0x61, 0x68, 0x69]],
    ['a connect of 256 MB', [0x10, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x04]],
  ])(
    'by %s on a bare connection is cut',
    async (_what, bytes) => {
      const { hostname, port } = new URL(neighbours.fleet.broker);
      const socket = connectTcp(Number(port), hostname);
      socket.on('error', () => undefined);
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.write(Buffer.from(bytes));
      await closed;
      expect(await neighbours.bobWorks()).toBeLessThan(2000);
    },
    30_000,
  );

  test('by sending as fast as it can slows nobody', async () => {
    const session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
    for (let message = 0; message < 3000 && session.isOpen(); message += 1)
      session.client.publish(
        topics.build('presence', { device: neighbours.mallory.id }),
        Buffer.from(jsonEncode({ state: 'online', bootId: 'b' })),
        {
          qos: 0,
        },
      );
    expect(await neighbours.bobWorks()).toBeLessThan(2000);
    await session.end().catch(() => undefined);
  });
});
