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
