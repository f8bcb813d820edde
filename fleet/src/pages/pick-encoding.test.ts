import { expect, test } from 'vitest';
import { pickEncoding } from './pick-encoding.ts';

test.each([
  [undefined, undefined],
  ['', undefined],
  ['identity', undefined],
  ['gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['GZIP;q=0.5, BR;q=0.1', 'br'],
  ['br;q=0, gzip', 'gzip'],
  ['br; q=0, gzip; q=0', undefined],
  ['*', 'br'],
  ['*;q=0, gzip', 'gzip'],
  ['br;q=nonsense', undefined],
] as const)('of "%s" it takes %s', (header, encoding) => {
  expect(pickEncoding(header)).toBe(encoding);
});
