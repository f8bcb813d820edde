import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Quad } from './geometry.ts';
import { intersectionOverUnion } from './overlap.ts';
import { matchReadings, normalise, scoreScene, sumScores } from './score.ts';

function box(left: number, top: number, width = 100, height = 20): Quad {
  return [
    [left, top],
    [left + width, top],
    [left + width, top + height],
    [left, top + height],
  ];
}

describe('overlap', () => {
  test.each([
    ['the same box', box(0, 0), box(0, 0), 1],
    ['half of it', box(0, 0), box(50, 0), 1 / 3],
    ['a corner', box(0, 0, 10, 10), box(5, 5, 10, 10), 25 / 175],
    ['one inside the other', box(0, 0, 10, 10), box(2, 2, 5, 5), 0.25],
    ['none', box(0, 0), box(0, 50), 0],
    // A square turned by 45 degrees inside the square around it covers half of it.
    [
      'a turned square',
      box(0, 0, 10, 10),
      [
        [5, 0],
        [10, 5],
        [5, 10],
        [0, 5],
      ] as Quad,
      0.5,
    ],
  ])('%s', (_name, first, second, expected) => {
    expect(intersectionOverUnion(first, second)).toBeCloseTo(expected, 10);
    expect(intersectionOverUnion(second, first)).toBeCloseTo(expected, 10);
  });
});

describe('matching', () => {
  test('a reading goes to the text that it overlaps most, however they are ordered', () => {
    const truths = [
      { text: 'MILL LANE', box: box(0, 0) },
      { text: 'KEEP OUT', box: box(0, 30) },
    ];
    const readings = [
      { text: 'KEEP OUT', quad: box(2, 28) },
      { text: 'MILL LANE', quad: box(-3, 4) },
    ];
    expect(matchReadings(truths, readings).matches).toEqual([
      { truth: 'MILLLANE', read: 'MILLLANE' },
      { truth: 'KEEPOUT', read: 'KEEPOUT' },
    ]);
  });

  test('the pieces of a line are joined in its direction', () => {
    const truths = [{ text: 'MSKU 907032 3', box: box(0, 0, 300) }];
    const pieces = [
      { text: '3', quad: box(280, 0, 20) },
      { text: 'MSKU', quad: box(0, 0, 90) },
      { text: '907032', quad: box(110, 0, 150) },
    ];
    expect(scoreScene(truths, pieces)).toMatchObject({ texts: 1, exact: 1, characterErrors: 0, spurious: 0 });
  });

  test('a reading beside every text is spurious, a text without a reading costs all its characters', () => {
    const score = scoreScene([{ text: 'EXIT 12', box: box(0, 0) }], [{ text: 'EXIT 12', quad: box(0, 200) }]);
    expect(score).toEqual({ texts: 1, exact: 0, characters: 6, characterErrors: 6, unread: 1, spurious: 1 });
  });
});

describe('scores', () => {
  test.each([
    ['OPEN', 'OPEN', 1, 0],
    ['OPEN', 'OPFN', 0, 1],
    ['OPEN', 'OPENS', 0, 1],
    ['OPEN', 'PEN', 0, 1],
    ['OPEN', 'open', 0, 4],
    ['OLD TOWN', 'OLDTOWN', 1, 0],
    ['９5 kg', '95kg', 1, 0],
  ])('"%s" read as "%s"', (truth, read, exact, characterErrors) => {
    expect(scoreScene([{ text: truth, box: box(0, 0) }], [{ text: read, quad: box(0, 0) }])).toMatchObject({ exact, characterErrors });
  });

  test('sums weigh texts and characters, not scenes', () => {
    const one = scoreScene([{ text: 'AB', box: box(0, 0) }], []);
    const two = scoreScene(
      [
        { text: 'ABCDEF', box: box(0, 0) },
        { text: 'GH', box: box(0, 40) },
      ],
      [
        { text: 'ABCDEF', quad: box(0, 0) },
        { text: 'GH', quad: box(0, 40) },
      ],
    );
    expect(sumScores([one, two])).toMatchObject({ texts: 3, exact: 2, exactMatchRate: 2 / 3, characterErrorRate: 2 / 10 });
  });

  test('what is read as it is written scores 1, wherever the boxes stand', () => {
    const texts = fc.array(
      fc.string({ minLength: 1, maxLength: 12 }).filter((text) => normalise(text) !== ''),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(texts, (lines) => {
        const truths = lines.map((text, row) => ({ text, box: box(5 * row, 30 * row) }));
        const readings = truths.map(({ text, box: quad }) => ({ text, quad })).reverse();
        expect(sumScores([scoreScene(truths, readings)])).toMatchObject({ exactMatchRate: 1, characterErrorRate: 0, spurious: 0 });
      }),
    );
  });
});
