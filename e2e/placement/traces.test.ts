import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../harness/processes.ts';
import { until } from '../harness/running-fleet.ts';
import { type CollectedSpan, type Collector, startCollector } from '../taps/collector.ts';
import { inParallel, type Machines, startMachines } from './two-machines.ts';

const TIMEOUT_MS = 180_000;

describe('the way of an item over two machines', { timeout: TIMEOUT_MS }, () => {
  let collector: Collector;
  let machines: Machines;
  let home: AgentProcess;
  let worker: AgentProcess;

  beforeAll(async () => {
    collector = await startCollector();
    machines = await startMachines({ 'trace-ratio': '1', 'otlp-endpoint': collector.endpoint });
    const release = await machines.release('machines-1');
    home = await machines.start('home', release);
    worker = await machines.start('worker', release, { place: 'cloud' });
    await machines.untilWorksFor(worker.ready.device, home.ready.device);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await machines?.fleet.stop();
    await collector?.close();
  });

  const spansOf = (traceId: string): Promise<CollectedSpan[]> =>
    until(`trace ${traceId} of both devices`, () => {
      const spans = collector.spans.filter((span) => span.traceId === traceId);
      return new Set(spans.map(({ resource }) => resource['service.instance.id'])).size === 2 && spans;
    });
  const of = (spans: readonly CollectedSpan[], { ready }: AgentProcess): CollectedSpan[] =>
    spans.filter(({ resource }) => resource['service.instance.id'] === ready.device);
  const attribute = ({ attributes }: CollectedSpan, name: string): unknown =>
    Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0];
  test('is one trace: the part that ran elsewhere stands below the item', async () => {
    const { traceId = '', outputs } = (await machines.post(home, 'counts', { x: 3 })).body;
    expect(outputs?.y).toMatchObject({ x: 3 });
    const spans = await spansOf(traceId);
    const [item] = of(spans, home) as [CollectedSpan];
    const [part, ...nodes] = of(spans, worker) as [CollectedSpan, ...CollectedSpan[]];
    expect(item.name).toBe('item');
    expect(of(spans, home).map(({ name }) => name)).toContain('@cloud');
    expect(part).toMatchObject({ name: 'part', kind: 2, parentSpanId: item.spanId });
    expect(attribute(part, 'starling.part')).toBe('cloud');
    expect(nodes.map(({ name, parentSpanId }) => ({ name, parentSpanId }))).toEqual([{ name: 'sum', parentSpanId: part.spanId }]);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(collector.refused).toEqual([]);
  });

  test('goes on with the trace of whoever posts the item', async () => {
    const [traceId, caller] = ['c'.repeat(32), 'd'.repeat(16)];
    const { body } = await machines.post(home, 'counts', { x: 3 }, { traceparent: `00-${traceId}-${caller}-01` });
    expect(body.traceId).toBe(traceId);
    const spans = await spansOf(traceId);
    const [item] = of(spans, home) as [CollectedSpan];
    expect(item).toMatchObject({ name: 'item', parentSpanId: caller });
    expect(of(spans, worker)[0]).toMatchObject({ name: 'part', parentSpanId: item.spanId });
    // One that its caller does not record is not recorded here.
    const quiet = await machines.post(home, 'counts', { x: 3 }, { traceparent: `00-${'e'.repeat(32)}-${caller}-00` });
    expect(quiet.body.traceId).toBe('e'.repeat(32));
    await machines.post(home, 'counts', { x: 3 }).then(({ body }) => spansOf(body.traceId ?? ''));
    expect(collector.spans.filter((span) => span.traceId === 'e'.repeat(32))).toEqual([]);
  });

  test('keeps the parts of items apart that are under way at once', async () => {
    const answers = await inParallel(12, 4, (x) => machines.post(home, x % 2 === 0 ? 'work' : 'ways', { x }));
    for (const { body } of answers) {
      const spans = await spansOf(body.traceId ?? '');
      const [item] = of(spans, home);
      const parts = of(spans, worker).filter(({ name }) => name === 'part');
      expect(parts.map(({ parentSpanId }) => parentSpanId)).toEqual([item?.spanId]);
      expect(attribute(parts[0] as CollectedSpan, 'starling.pipeline')).toBe(attribute(item as CollectedSpan, 'starling.pipeline'));
    }
    expect(collector.refused).toEqual([]);
  });
});
