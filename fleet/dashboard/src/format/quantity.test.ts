import { expect, test } from 'vitest';
import { bytesOf, compact, inWords, joulesOf, millisecondsOf, percentOf } from './quantity.ts';

test.each([
  [0, '0'],
  [0.01234, '0.012'],
  [1.2549, '1.25'],
  [8, '8'],
  [12.5, '12.5'],
  [99.96, '100'],
  [12_345.6, '12,346'],
])('%d is written as %s', (value, words) => {
  expect(compact(value)).toBe(words);
});

test.each([
  [bytesOf(512), '512 B'],
  [bytesOf(1_299_614), '1.3 MB'],
  [bytesOf(null), '–'],
  [millisecondsOf(87.4), '87.4 ms'],
  [millisecondsOf(1880), '1.88 s'],
  [joulesOf(0.0421), '42.1 mJ'],
  [joulesOf(5160), '5.16 kJ'],
  [percentOf(0.267), '26.7 %'],
])('%o reads %s', (quantity, words) => {
  expect(inWords(quantity)).toBe(words);
});
