import { describe, expect, it } from 'vitest';
import type { OperatorSignature } from '../signature.ts';
import { motionOperators } from './motion.ts';
import { trackingOperators } from './tracking.ts';

const operators: Record<string, OperatorSignature> = { ...trackingOperators, ...motionOperators };
const fieldsOf = (name: string, params: object): string[] =>
  (operators[name]?.params.safeParse(params).error?.issues ?? []).map(({ path }) => path.join('.'));

const triangle = [
  [0, 0],
  [1, 0],
  [0, 1],
];

describe('parameters that cannot be', () => {
  it.each<[string, string, object, string[]]>([
    [
      'a polygon with two corners',
      'count.zone',
      {
        zones: [
          {
            name: 'a',
            polygon: [
              [0, 0],
              [1, 1],
            ],
          },
        ],
      },
      ['zones.0.polygon', 'zones.0'],
    ],
    [
      'a polygon without an area',
      'count.zone',
      {
        zones: [
          {
            name: 'a',
            polygon: [
              [0, 0],
              [1, 1],
              [2, 2],
            ],
          },
        ],
      },
      ['zones.0'],
    ],
    [
      'two zones of one name',
      'count.zone',
      {
        zones: [
          { name: 'a', polygon: triangle },
          { name: 'a', polygon: triangle },
        ],
      },
      ['zones.1.name'],
    ],
    ['shares in pixels', 'count.zone', { unit: 'share', zones: [{ name: 'a', polygon: [...triangle, [0, 2]] }] }, ['zones.0']],
    [
      'a corner that is no number',
      'count.zone',
      {
        zones: [
          {
            name: 'a',
            polygon: [
              [0, 0],
              [1, Number.NaN],
              [0, 1],
            ],
          },
        ],
      },
      ['zones.0.polygon.1.1'],
    ],
    ['a line of one point', 'count.line', { lines: [{ name: 'a', from: [1, 1], to: [1, 1] }] }, ['lines.0']],
    ['no line', 'count.line', { lines: [] }, ['lines']],
    ['scores upside down', 'track.objects', { lowScore: 0.6, highScore: 0.4 }, ['lowScore']],
    ['new tracks from weak detections', 'track.objects', { newScore: 0.2 }, ['newScore']],
    [
      'a region with two corners',
      'motion.gate',
      {
        region: [
          [0, 0],
          [1, 1],
        ],
      },
      ['region'],
    ],
    ['neither a number nor a rate', 'flow.sample', {}, ['']],
    ['a number and a rate', 'flow.sample', { every: 2, perSecond: 1 }, ['']],
  ])('%s', (_what, name, params, fields) => {
    expect(fieldsOf(name, params)).toEqual(fields);
  });
});

describe('counters', () => {
  it('ask for the picture where their lines are shares of it', () => {
    const { params, ports } = trackingOperators['count.line'];
    const lines = [{ name: 'a', from: [0, 0], to: [1, 1] }];
    expect(ports(params.parse({ lines })).inputs).toEqual({ detections: 'detections' });
    expect(ports(params.parse({ lines, unit: 'share' })).inputs).toEqual({ detections: 'detections', source: 'image' });
  });
});
