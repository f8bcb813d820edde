import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellsOf, formatBytes, printable } from './printable.ts';
import { formatTable } from './table.ts';

const plain = (_name: string, text: string): string => text;

test('columns stand below each other, wide characters counted twice', () => {
  const rows = [
    { text: '营养', n: 7 },
    { text: 'abc', n: 1234 },
  ];
  const table = formatTable(
    rows,
    [
      { title: 'TEXT', value: ({ text }) => text },
      { title: 'N', value: ({ n }) => n, right: true },
    ],
    plain,
  );
  expect(table).toBe('TEXT     N\n营养     7\nabc   1234');
});

test('nothing that comes from a device moves the cursor, rings or turns the line around', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const table = formatTable([{ text }], [{ title: 'T', value: (row) => row.text }], plain);
      expect(table.split('\n')).toHaveLength(2);
      expect(table.replace('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
  expect(printable('\u001b[2Jgate\u0007')).toBe('\ufffd[2Jgate\ufffd');
});

test('every column but the last is as wide in every row', () => {
  const cell = fc.stringMatching(/^[a-z营养]{0,12}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, fc.constant('end')), { minLength: 1, maxLength: 6 }), (rows) => {
      const lines = formatTable(
        rows,
        [
          { title: 'A', value: ([a]) => a },
          { title: 'end', value: ([, b]) => b },
        ],
        plain,
      ).split('\n');
      const starts = new Set(lines.map((line) => cellsOf(line.slice(0, line.lastIndexOf('end')))));
      expect(starts.size).toBe(1);
    }),
  );
});

test('sizes have three digits and a unit', () => {
  expect([0, 999, 1000, 4_745_517, 10_800_000, 2_147_483_647].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '4.75 MB',
    '10.8 MB',
    '2.15 GB',
  ]);
});
