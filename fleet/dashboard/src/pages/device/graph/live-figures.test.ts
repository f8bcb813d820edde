import { createHistogram, latencyEdgesMs, type TelemetryRow } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import type { DrawnGraph } from '../../../graph/drawn-graph.ts';
import { figuresFor, latencyShares, sumWindows, withParts } from './live-figures.ts';

const release = 'a'.repeat(64);
const of = { release, pipeline: 'p' };
const edge = { items: 4, absent: 0, dropped: 0, waiting: 0, ageMs: 10 };

function row(startMs: number, fields: object): TelemetryRow {
  const payload = {
    ...{ startMs, lengthMs: 1000, release, pipeline: 'p', items: 4, dropped: 0, failures: {}, latencyMs: createHistogram(latencyEdgesMs) },
    ...{ nodes: { look: { runs: 4, totalMs: 80 }, 'in/cut': { runs: 2, totalMs: 20 } }, edges: { 'look.y': edge }, ...fields },
  };
  return { kind: 'inference', streamId: 's', sequence: 1, atMs: startMs, clock: 'trusted', payload };
}

describe('figures of a running pipeline', () => {
  const rows = [
    row(9000, {
      edges: { 'look.y': { ...edge, waiting: 3, dropped: 1 } },
      nodes: { look: { runs: 4, totalMs: 40, failures: 2, skips: 1 } },
    }),
    row(8000, { failures: { broken: 2 } }),
    row(1000, {}),
    { ...row(8500, {}), payload: { no: 'window' } },
    row(8500, { release: 'b'.repeat(64) }),
    row(8500, { pipeline: 'alongside' }),
  ];

  test('add up the newest windows of one release; what waits is what waits now', () => {
    const live = sumWindows(rows, of, 5000);
    expect(live).toMatchObject({ lengthMs: 2000, items: 8, failures: 2 });
    expect(live?.nodes.get('look')).toEqual({ runs: 8, totalMs: 120, failures: 2, skips: 1 });
    expect(live?.edges.get('look.y')).toEqual({ items: 8, absent: 0, dropped: 1, waiting: 3, ageMs: 10 });
    expect(sumWindows(rows, { ...of, release: 'c'.repeat(64) }, 5000)).toBeUndefined();
    expect(sumWindows([], of, 5000)).toBeUndefined();
  });

  test('stand on nodes and lines; a closed inner pipeline stands for what is inside of it', () => {
    const live = sumWindows(rows, of, 5000);
    if (live === undefined) throw new Error('there are windows');
    const graph = {
      nodes: [{ id: 'look' }, { id: 'in' }, { id: 'idle' }],
      edges: [
        { id: 'e1', from: 'look', fromPort: 'y', port: 'look.y', kind: 'value' },
        { id: 'e2', from: 'idle', fromPort: 'z', port: 'idle.z', kind: 'value' },
      ],
      groups: [],
    } as unknown as DrawnGraph;
    const { nodes, edges } = figuresFor(graph, live);
    expect(nodes.get('look')).toMatchObject({ text: '4 /s · 15 ms · 2 failed', isFailing: true });
    expect(nodes.get('in')).toMatchObject({ text: '1 /s · 10 ms' });
    expect(nodes.has('idle')).toBe(false);
    expect(edges.get('e1')).toEqual({
      text: '4 /s · 3 waiting · 1 dropped',
      words: '4 values a second, 3 waiting, 1 dropped, 10 ms old',
      tone: 'bad',
    });
    expect(edges.has('e2')).toBe(false);
  });

  test('the shares of all nodes are one, in the order of the graph', () => {
    const live = sumWindows(rows, of, 5000);
    const shares = live === undefined ? [] : latencyShares(['in/cut', 'look'], live);
    expect(shares.map(({ id }) => id)).toEqual(['in/cut', 'look']);
    expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(shares[1]).toMatchObject({ msPerItem: 15, runsPerSecond: 4 });
  });

  test('a pipeline that runs as a whole counts once: as its node while that is drawn closed, else as what is inside', () => {
    const nodes = { look: { runs: 4, totalMs: 20 }, in: { runs: 4, totalMs: 80 }, 'in/cut': { runs: 4, totalMs: 60 } };
    const live = sumWindows([row(9000, { nodes })], of, 5000);
    if (live === undefined) throw new Error('there is a window');
    const listed = (order: string[]) => latencyShares(order, live).map(({ id, share }) => [id, share]);
    expect(listed(['look', 'in'])).toEqual([
      ['look', 0.2],
      ['in', 0.8],
    ]);
    expect(listed(['look', 'in/cut'])).toEqual([
      ['look', 0.2],
      ['in/cut', 0.6],
    ]);
  });

  test('of parts are those of their workers; what leaves a part is counted by the device itself', () => {
    const text = (words: string) => ({ text: words, words, share: 0, isFailing: false });
    const line = (words: string) => ({ text: words, words, tone: 'good' as const });
    const own = { nodes: new Map([['look', text('own')]]), edges: new Map([['out', line('own')]]) };
    const figures = {
      nodes: new Map([['far', text('5 /s')]]),
      edges: new Map([
        ['inside', line('5 /s')],
        ['out', line('9 /s')],
      ]),
    };
    const { nodes, edges } = withParts(own, [{ worker: 'server-1', figures }]);
    expect([...nodes].map(([id, { words }]) => [id, words])).toEqual([
      ['far', '5 /s; on server-1, for all that it works for'],
      ['look', 'own'],
    ]);
    expect(edges.get('inside')?.words).toBe('5 /s; on server-1, for all that it works for');
    expect(edges.get('out')?.words).toBe('own');
    expect(withParts(own, [])).toEqual(own);
  });
});
