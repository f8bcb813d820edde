import { expect, test } from 'vitest';
import { describeFileStore } from '../file-store.contract.ts';
import { createMemoryFileStore } from './file-store.ts';

describeFileStore(
  'the memory',
  async () => {
    const store = createMemoryFileStore();
    return { open: async () => store };
  },
  100,
);

test('a full memory keeps the file that was to be replaced, and the start of what was to be added', async () => {
  const store = createMemoryFileStore();
  await store.write('a', Uint8Array.of(1, 2));
  store.limit(1);
  await expect(store.write('a', Uint8Array.of(3, 4))).rejects.toMatchObject({ code: 'disk-full' });
  expect(await store.read('a')).toEqual(Uint8Array.of(1, 2));
  await expect(store.append('a', Uint8Array.of(3, 4))).rejects.toMatchObject({ code: 'disk-full' });
  expect(await store.read('a')).toEqual(Uint8Array.of(1, 2, 3));
});
