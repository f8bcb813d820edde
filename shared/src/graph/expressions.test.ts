import { describe, expect, test } from 'vitest';
import { presentValue } from './expression-values.ts';
import { checkExpression, compileExpression } from './expressions.ts';

const values = {
  found: [
    { score: 0.5, label: 'cat', class: 3 },
    { score: 0.9, label: 'dog', class: 5 },
  ],
  count: 3,
};
const run = (text: string): unknown => compileExpression(text, ['found', 'count', 'absent'])(values);

describe('an expression', () => {
  test.each<[string, unknown]>([
    ['found[0].score > 0.4', true],
    ['count == 3', true],
    ['count + 1', 4],
    ['size(found) + 0.5', 2.5],
    ['count % 2 == 1', true],
    ['7.5 % 2.0', 1.5],
    ['found[count - 2].label', 'dog'],
    ['found.filter(each, each.score > 0.6).map(each, each.label)', ['dog']],
    ['found[1].?track.orValue(7)', 7],
    ['found[1].?track', null],
    ['{"count": count, "scores": [1, 2.5]}', { count: 3, scores: [1, 2.5] }],
    ['absent == null', true],
    ['"dog" in found.map(each, each.label)', true],
    ['sum(found.map(each, each.class))', 8],
    ['max(found.map(each, each.score))', 0.9],
    ['round(2.6) + abs(-1)', 4],
    ['3u', 3],
    ['timestamp("2024-01-01T00:00:00Z")', '2024-01-01T00:00:00.000Z'],
  ])('%s', (text, expected) => {
    expect(run(text)).toEqual(expected);
  });

  test.each<[string, number, number]>([
    ['cuont > 3', 0, 5],
    ['count >', 7, 7],
    ['count + "a".sise()', 8, 18],
    ['1 > 0 && size(3) > 1', 9, 16],
  ])('%s is wrong from character %i to %i', (text, start, end) => {
    expect(checkExpression(text, ['count'])?.range).toEqual({ start, end });
    expect(() => compileExpression(text, ['count'])).toThrowError(expect.objectContaining({ code: 'invalid-expression' }));
  });

  test('that needs true or false is refused with another answer, before it runs or then', () => {
    expect(checkExpression('"text"', [], { result: 'boolean' })).toMatchObject({ message: 'answers string instead of true or false' });
    expect(checkExpression('count', ['count'], { result: 'boolean' })).toBeUndefined();
    const when = compileExpression('count', ['count'], { result: 'boolean' });
    expect(when({ count: true })).toBe(true);
    expect(() => when({ count: 1 })).toThrowError(expect.objectContaining({ code: 'expression-failed' }));
  });

  test.each(['found[5]', 'found[0].track', 'absent > 3', '1 / 0', 'count ? 1 : 2', 'min([])', 'b"bytes"'])(
    '%s fails as it runs',
    (text) => {
      expect(() => run(text)).toThrowError(expect.objectContaining({ code: 'expression-failed' }));
    },
  );

  test('is bounded in length, in parts and in what runs for each item', () => {
    const nested = 'found.map(a, found.map(b, found.map(c, 1)))';
    const chained = `found${'.map(a, a)'.repeat(5)}`;
    for (const text of [nested, chained, '1'.repeat(2001), `1${' + 1'.repeat(300)}`, 'cel.bind(a, found, found.map(b, found.map(c, a)))']) {
      expect(checkExpression(text, ['found']), text).toBeDefined();
    }
    expect(checkExpression('found.map(a, found.map(b, 1))', ['found'])).toBeUndefined();
  });
});

test('values that are not plain are shown by what describes them', () => {
  const shown = presentValue({
    plain: values,
    tensor: { elementType: 'int64', shape: [1, 2], data: new BigInt64Array([1n, 2n]) },
    picture: { width: 2, height: 1, data: new Uint8Array(6) },
    sound: { sampleRateHz: 16_000, channels: 2, samples: new Float32Array(8) },
    bytes: [new Uint8Array(5)],
  });
  expect(shown).toEqual({
    plain: values,
    tensor: { elementType: 'int64', shape: [1, 2], values: [1, 2] },
    picture: { width: 2, height: 1 },
    sound: { sampleRateHz: 16_000, channels: 2, length: 4 },
    bytes: [{ length: 5 }],
  });
  expect(presentValue(values)).toBe(values);
});
