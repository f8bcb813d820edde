import { API_BASE } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { publishBrightSpots } from './bright-spots.ts';
import { type CollectedSpan, type Collector, startCollector } from './collector.ts';

describe('the way of a frame', () => {
  let collector: Collector;
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let image: Uint8Array;

  beforeAll(async () => {
    collector = await startCollector();
    const flags = { 'trace-ratio': '1', 'otlp-endpoint': `${collector.endpoint}/`, 'otlp-headers': 'authorization=Bearer abc' };
    fleet = await startRunningFleet(flags);
    const release = await publishBrightSpots(fleet);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
    image = new Uint8Array(await paintPlain(200, 10, 10, 64));
  });
  afterAll(async () => {
    await fleet?.stop();
    await collector?.close();
  });

  const push = async (traceparent?: string): Promise<{ status: number; traceId?: string }> => {
    const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent };
    const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body: image.slice(), headers });
    return { status: answer.status, ...((await answer.json()) as { traceId?: string }) };
  };
  const spansOf = (traceId: string): Promise<CollectedSpan[]> =>
    until(`trace ${traceId} at the collector`, () => {
      const spans = collector.spans.filter((span) => span.traceId === traceId);
      return spans.length > 0 && spans;
    });
  const attribute = ({ attributes }: CollectedSpan, name: string): unknown => {
    const value = attributes.find(({ key }) => key === name)?.value;
    return value === undefined ? undefined : Object.values(value)[0];
  };

  test('is followed from its source to its result, through the fleet to a collector', async () => {
    const { traceId = '' } = await push();
    const spans = await spansOf(traceId);
    expect(spans.map(({ name }) => name)).toEqual([
      ...['item', 'source', 'queue', 'decode', 'resize', 'grey', 'spots', 'cut', 'looks', 'result'],
    ]);
    const [root] = spans as [CollectedSpan, ...CollectedSpan[]];
    expect(root.parentSpanId).toBeUndefined();
    expect(spans.slice(1).every(({ parentSpanId }) => parentSpanId === root.spanId)).toBe(true);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(root.resource).toMatchObject({ 'service.name': 'starling-agent', 'service.instance.id': agent.ready.device });
    expect([attribute(root, 'starling.pipeline'), attribute(root, 'starling.source')]).toEqual(['bright-spots', 'http']);
    const within = spans.every(
      ({ startTimeUnixNano, endTimeUnixNano }) =>
        BigInt(startTimeUnixNano) >= BigInt(root.startTimeUnixNano) - 1000n &&
        BigInt(endTimeUnixNano) <= BigInt(root.endTimeUnixNano) + 1000n,
    );
    expect(within).toBe(true);
    expect(Math.abs(Number(BigInt(root.startTimeUnixNano) / 1_000_000n) - Date.now())).toBeLessThan(120_000);
    expect(collector.requests.every(({ authorization }) => authorization === 'Bearer abc')).toBe(true);
  });

  test('goes on with the trace of whoever asks, at the device and through the fleet', async () => {
    const [traceId, parent] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
    expect(await push(`00-${traceId}-${parent}-01`)).toMatchObject({ status: 200, traceId });
    const [root] = await spansOf(traceId);
    expect(root).toMatchObject({ parentSpanId: parent, kind: 2 });
    const throughFleet = 'a'.repeat(32);
    const answer = await fetch(`${fleet.baseUrl}${API_BASE}/devices/${agent.ready.device}/infer`, {
      method: 'POST',
      body: image.slice(),
      headers: { authorization: `Bearer ${fleet.token}`, 'content-type': 'image/png', traceparent: `00-${throughFleet}-${parent}-01` },
    });
    expect(((await answer.json()) as { result: { traceId?: string } }).result.traceId).toBe(throughFleet);
    expect((await spansOf(throughFleet))[0]).toMatchObject({ parentSpanId: parent });
  });

  test('is not recorded where whoever asks does not want it, or sends no context that is one', async () => {
    const traceId = 'b'.repeat(32);
    expect(await push(`00-${traceId}-00f067aa0ba902b7-00`)).toMatchObject({ status: 200, traceId });
    const { status, traceId: other = '' } = await push('00-nonsense');
    expect(status).toBe(200);
    await spansOf(other);
    expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
  });

  test('that fails says where', async () => {
    const traceId = 'c'.repeat(32);
    image.fill(0, 0, 8);
    expect((await push(`00-${traceId}-00f067aa0ba902b7-01`)).status).toBe(422);
    image = new Uint8Array(await paintPlain(200, 10, 10, 64));
    const spans = await spansOf(traceId);
    const failed = spans.filter(({ status }) => status.code === 2);
    expect(failed.map(({ name }) => name)).toEqual(['item', 'decode']);
    expect(failed.map((span) => attribute(span, 'error.type'))).toEqual(['not-an-image', 'not-an-image']);
  });

  test('waits for a collector that is busy', async () => {
    collector.failNext(503, 2);
    const { traceId = '' } = await push();
    expect(await spansOf(traceId)).not.toEqual([]);
    expect(collector.refused).toEqual([]);
  });
});
