import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { storable } from './storable.ts';

const text = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });

describe('what a device sent', () => {
  test('is stored as it is, where a database can hold it', () => {
    const record = { level: 'info', count: 1.5, none: null, flags: [true, false], nested: { ключ: 'значение 🚗' } };
    expect(storable(record)).toEqual(record);
  });

  test('holds no byte that Postgres refuses, and only what JSON knows', () => {
    const anything = fc.anything({ key: text, values: [text, fc.bigInt(), fc.double(), fc.uint8Array(), fc.boolean()], maxDepth: 4 });
    fc.assert(
      fc.property(anything, (value) => {
        const json = JSON.stringify(storable(value)) ?? 'null';
        expect(json).not.toMatch(/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i);
        expect(() => JSON.parse(json)).not.toThrow();
      }),
    );
  });

  test('is refused where it is nested too deep', () => {
    let value: unknown = 1;
    for (let level = 0; level < 5000; level += 1) value = { value };
    expect(() => storable(value)).toThrowError(expect.objectContaining({ code: 'too-deep' }));
  });
});
