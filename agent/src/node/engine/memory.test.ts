import { expect, test } from 'vitest';
import { hasRoom, memoryEnvironment } from './memory.ts';

const GIB = 1024 ** 3;

test('the smaller of the machine and its control group decides whether there is room', () => {
  expect(hasRoom(8 * GIB, 0)).toBe(true);
  expect(hasRoom(1 * GIB, 0)).toBe(false);
  expect(hasRoom(8 * GIB, 1 * GIB)).toBe(false);
  // Version 1 of control groups reports almost 2^63 where nothing is limited.
  expect(hasRoom(2 * GIB, 2 ** 63)).toBe(true);
});

test('large pages are asked for beside what is already tuned, and only with arenas', () => {
  const given = { PATH: '/bin', GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0' };
  expect(memoryEnvironment(given, { threads: 0, arena: true })).toMatchObject({
    PATH: '/bin',
    MALLOC_TRIM_THRESHOLD_: '65536',
    GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0:glibc.malloc.hugetlb=1',
  });
  expect(memoryEnvironment(given, { threads: 0, arena: false }).GLIBC_TUNABLES).toBe(given.GLIBC_TUNABLES);
  expect(memoryEnvironment({}, { threads: 0, arena: true }).GLIBC_TUNABLES).toBe('glibc.malloc.hugetlb=1');
});
