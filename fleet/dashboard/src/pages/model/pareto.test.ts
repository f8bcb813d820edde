import type { ArtefactView } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CostFigures, figuresByProfile } from './figures-by-profile.ts';
import { paretoPoints } from './pareto.ts';

const artefact = (digest: string, sizeBytes: number, maximumError: number, similarityDb?: number): ArtefactView =>
  ({ digest, sizeBytes, optimisation: 'x', report: { maximumError, similarityDb } }) as unknown as ArtefactView;
const measured = {
  latencyMs: 4,
  latencyMsP95: 5,
  joulesPerInference: null,
  memoryBytes: 100,
  devices: 2,
  isEstimate: false,
} as const satisfies CostFigures;

test('the front is what nothing else beats in both', () => {
  const points = paretoPoints(
    [artefact('a', 10, 0), artefact('b', 4, 0.1), artefact('c', 6, 0.2), artefact('d', 2, 0.3)],
    undefined,
    'size',
    'error',
  );
  expect(points.map((point) => [point.artefact, point.onFront])).toEqual([
    ['d', true],
    ['b', true],
    ['c', false],
    ['a', true],
  ]);
});

test('of similarity more is better', () => {
  const points = paretoPoints([artefact('a', 10, 0, 30), artefact('b', 4, 0, 40)], undefined, 'size', 'similarity');
  expect(points.filter(({ onFront }) => onFront).map((point) => point.artefact)).toEqual(['b']);
});

test('what no figure shows wins nothing', () => {
  const points = paretoPoints([artefact('a', 10, 0), artefact('b', 4, 0.0001)], undefined, 'size', 'error');
  expect(points.map((point) => [point.artefact, point.y, point.onFront])).toEqual([
    ['b', 0, true],
    ['a', 0, false],
  ]);
});

test('artefacts of which a figure is missing have no point, and estimates are marked', () => {
  const figures = new Map([
    ['a', measured],
    ['b', { ...measured, isEstimate: true }],
  ]);
  const artefacts = [artefact('a', 10, 0), artefact('b', 4, 0.1), artefact('c', 6, 0.2)];
  expect(paretoPoints(artefacts, figures, 'latency', 'error').map((point) => [point.artefact, point.isEstimate])).toEqual([
    ['a', false],
    ['b', true],
  ]);
  expect(paretoPoints(artefacts, figures, 'energy', 'error')).toEqual([]);
  expect(paretoPoints(artefacts, figures, 'size', 'accuracy')).toEqual([]);
});

test('every point off the front is beaten by one on it', () => {
  const pair = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 12 }), (pairs) => {
      const points = paretoPoints(
        pairs.map(([size, error], index) => artefact(`${index}`, size, error / 10)),
        undefined,
        'size',
        'error',
      );
      const front = points.filter(({ onFront }) => onFront);
      expect(front.length).toBeGreaterThan(0);
      for (const point of points.filter(({ onFront }) => !onFront))
        expect(front.some(({ x, y }) => x <= point.x && y <= point.y)).toBe(true);
    }),
  );
});

test('what was measured stands before what was estimated for a device', () => {
  const figure = (value: number) => ({ value, origin: 'estimate' as const });
  const figures = {
    ...{ latencyMs: figure(50), latencyMsP95: figure(60), joulesPerInference: null, memoryBytes: figure(7) },
    ...{ costPer1000Usd: null, accuracyLossPoints: null },
  };
  const candidates = ['a', 'b'].map((digest) => ({ artefact: digest, figures }));
  const device = { profile: 'slow', desired: { choices: { net: { candidates } } } };
  const all = figuresByProfile({ profiles: [{ artefact: 'a', profile: 'slow', ...measured }] }, [device as never], 'net');
  expect(all.get('slow')?.get('a')).toMatchObject({ latencyMs: 4, isEstimate: false });
  expect(all.get('slow')?.get('b')).toMatchObject({ latencyMs: 50, devices: 0, isEstimate: true });
  expect(figuresByProfile({ profiles: [] }, [device as never], 'other').size).toBe(0);
});
