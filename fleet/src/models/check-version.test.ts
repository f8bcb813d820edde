import { modelCardSchema, type TensorPort } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { checkExampleRanges } from './check-version.ts';

const inputs: TensorPort[] = [
  { name: 'pixels', elementType: 'float32', shape: [1, 3, 'h', 'w'] },
  { name: 'rate', elementType: 'int64', shape: [] },
  { name: 'level', elementType: 'uint8', shape: [1] },
];
const card = (exampleRanges: Record<string, { minimum: number; maximum: number }>) =>
  modelCardSchema.parse({ title: 'a', licence: 'MIT', exampleRanges });

describe('ranges of whole inputs', () => {
  test('are taken where they fit the element type', () => {
    checkExampleRanges(card({ rate: { minimum: 16_000, maximum: 16_000 }, level: { minimum: 0, maximum: 255 } }), inputs);
    checkExampleRanges(modelCardSchema.parse({ title: 'a', licence: 'MIT' }), inputs);
  });

  test.each([
    ['unknown-input', 'rates', { minimum: 0, maximum: 1 }],
    ['range-mismatch', 'pixels', { minimum: 0, maximum: 1 }],
    ['range-mismatch', 'level', { minimum: -1, maximum: 1 }],
    ['range-mismatch', 'level', { minimum: 0, maximum: 256 }],
  ])('are refused with %s: %s %o', (code, name, range) => {
    const field = `card.exampleRanges.${name}`;
    expect(() => checkExampleRanges(card({ [name]: range }), inputs)).toThrow(expect.objectContaining({ code, field }));
  });

  test('end where they start or later', () => {
    expect(() => card({ rate: { minimum: 2, maximum: 1 } })).toThrow(/ends where it starts/);
  });
});
