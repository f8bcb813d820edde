import { addToHistogram, createHistogram, latencyEdgesMs } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketOf, ROLL_UP_MS, rollUp } from './roll-up.ts';

const release = 'a'.repeat(64);
const failed = 'b'.repeat(64);

function inference(latencies: readonly number[], failures: number, edges: readonly number[] = latencyEdgesMs) {
  const latencyMs = createHistogram(edges);
  for (const latency of latencies) addToHistogram(latencyMs, latency);
  const counted: Record<string, number> = failures > 0 ? { 'node-failed': failures } : {};
  return {
    startMs: 0,
    lengthMs: 10_000,
    release,
    pipeline: 'read-signs',
    items: latencies.length + failures,
    failures: counted,
    latencyMs,
  };
}

const record = (kind: string, payload: unknown, atMs = 0, device = 'd1') => ({ device, kind, atMs, payload });

test('windows of five minutes are one row, and nothing of them is lost or doubled', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          atMs: fc.nat(4 * ROLL_UP_MS),
          latencies: fc.array(fc.double({ min: 0.05, max: 2e5, noNaN: true }), { maxLength: 8 }),
          failures: fc.nat(3),
        }),
      ),
      (windows) => {
        const rows = rollUp(windows.map(({ atMs, latencies, failures }) => record('inference', inference(latencies, failures), atMs)));
        expect(new Set(rows.map(({ atMs }) => atMs))).toEqual(new Set(windows.map(({ atMs }) => bucketOf(atMs))));
        expect(rows.length).toBeLessThanOrEqual(5);
        const values = windows.flatMap(({ latencies }) => latencies);
        const failures = windows.reduce((sum, window) => sum + window.failures, 0);
        expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(values.length + failures);
        expect(rows.reduce((sum, { hits }) => sum + hits, 0)).toBe(failures);
        expect(rows.flatMap(({ bins }) => bins ?? []).reduce((sum, count) => sum + count, 0)).toBe(values.length);
        expect(rows.reduce((sum, { total }) => sum + total, 0)).toBeCloseTo(
          values.reduce((sum, value) => sum + value, 0),
          3,
        );
      },
    ),
  );
});

describe('each kind', () => {
  test('bins of its own count, but cannot be summed', () => {
    expect(rollUp([record('inference', inference([5, 6], 1, [10]))])).toMatchObject([{ count: 3, hits: 1, bins: null }]);
  });

  test('a crash counts against the release that it speaks of, and going back against the one that was left', () => {
    const rows = rollUp([
      record('events', { level: 'error', code: 'host-crashed', message: '', release, detail: {} }),
      record('events', { level: 'error', code: 'host-crashed', message: '', release, detail: {} }),
      record('events', { level: 'warning', code: 'rolled-back', message: '', release, detail: { failed } }),
      record('events', { level: 'info', code: 'tuned', message: '', release, detail: {} }),
      // An older agent does not tell.
      record('events', { level: 'error', code: 'host-crashed', message: '', detail: {} }),
    ]);
    expect(rows.map((row) => [row.subject, row.release, row.count])).toEqual([
      ['host-crashed', '', 1],
      ['host-crashed', release, 2],
      ['rolled-back', failed, 1],
    ]);
  });

  test('energy says how much of it was measured; drift that was not judged is none', () => {
    const energy = { startMs: 0, lengthMs: 1, release, joules: 9, agentJoules: 3, inferences: 10, joulesPerInference: 0.3, source: '' };
    const drift = { release, pipeline: 'p', monitor: 'light', psi: 0.2, drifted: true };
    const rows = rollUp([
      record('energy', { ...energy, method: 'measured' }),
      record('energy', { ...energy, method: 'modelled' }),
      record('energy', { ...energy, inferences: 0, method: 'modelled' }),
      record('drift', drift),
      record('drift', { ...drift, psi: null, drifted: false }),
      record('health', {}),
    ]);
    expect(rows).toMatchObject([
      { kind: 'device-energy', subject: 'measured', count: 1, hits: 1, total: 9 },
      { kind: 'device-energy', subject: 'modelled', count: 2, hits: 0, total: 18 },
      { kind: 'drift', subject: 'p/light', count: 1, hits: 1, total: 0.2 },
      { kind: 'energy', count: 20, hits: 10, total: 6 },
    ]);
  });
});

test('rows come in the order of their keys, whatever the order of the records', () => {
  const records = ['d3', 'd1', 'd2'].map((device) => record('inference', inference([5], 0), 0, device));
  expect(rollUp(records).map(({ device }) => device)).toEqual(['d1', 'd2', 'd3']);
});
