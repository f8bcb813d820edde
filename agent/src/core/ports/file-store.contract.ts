import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileStore } from './file-store.ts';

/** One store and its later lives, as after a restart of the agent. */
export interface FileStoreLives {
  open(): Promise<FileStore>;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const name = fc.constantFrom('journal', 'spool-1', 'spool-2', 'verdicts');
const operation = fc.oneof(
  fc.record({ type: fc.constant('write' as const), name, bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('append' as const), name, bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('remove' as const), name }),
  fc.record({ type: fc.constant('reopen' as const) }),
);

/** What the journal and the spool may rely on, whatever keeps their files. @param fresh an empty store of its own */
export function describeFileStore(what: string, fresh: () => Promise<FileStoreLives>, runs: number): void {
  describe(`${what} as a file store`, () => {
    test('has no file that nobody wrote', async () => {
      const store = await (await fresh()).open();
      expect(await store.read('journal')).toBeUndefined();
      expect(await store.list('')).toEqual([]);
      await store.remove('journal');
      expect(await store.read('journal')).toBeUndefined();
    });

    test('replaces a file as a whole, and makes one by adding to it', async () => {
      const store = await (await fresh()).open();
      await store.write('a', bytes(1, 2, 3));
      await store.write('a', bytes(9));
      await store.append('a', bytes(8, 7));
      await store.append('b', bytes(1));
      expect(await store.read('a')).toEqual(bytes(9, 8, 7));
      expect(await store.read('b')).toEqual(bytes(1));
    });

    test('lists by the start of the name, with sizes', async () => {
      const store = await (await fresh()).open();
      await store.write('spool-1', bytes(1, 2));
      await store.append('spool-2', bytes());
      await store.write('journal', bytes(1));
      const found = (await store.list('spool-')).toSorted((one, other) => (one.name < other.name ? -1 : 1));
      expect(found).toEqual([
        { name: 'spool-1', sizeBytes: 2 },
        { name: 'spool-2', sizeBytes: 0 },
      ]);
    });

    test('keeps its own copy: who wrote or read may go on with the bytes', async () => {
      const store = await (await fresh()).open();
      const written = bytes(1, 2, 3);
      await store.write('a', written);
      await store.append('b', written);
      written.fill(0);
      (await store.read('a'))?.fill(0);
      expect([await store.read('a'), await store.read('b')]).toEqual([bytes(1, 2, 3), bytes(1, 2, 3)]);
    });

    test('holds what was written last, through any number of lives', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
          const lives = await fresh();
          let store = await lives.open();
          let expected = new Map<string, number[]>();
          for (const each of operations) {
            if (each.type === 'reopen') store = await lives.open();
            else if (each.type === 'remove') await store.remove(each.name);
            else if (each.type === 'write') await store.write(each.name, each.bytes);
            else await store.append(each.name, each.bytes);
            expected = applied(expected, each);
          }
          const found = new Map<string, number[]>();
          for (const { name: file, sizeBytes } of await store.list('')) {
            const content = [...((await store.read(file)) ?? [])];
            expect(content.length).toBe(sizeBytes);
            found.set(file, content);
          }
          expect(found).toEqual(expected);
        }),
        { numRuns: runs },
      );
    });
  });
}

type Operation = typeof operation extends fc.Arbitrary<infer Each> ? Each : never;

/** What a store holds after one more operation. */
function applied(before: ReadonlyMap<string, number[]>, each: Operation): Map<string, number[]> {
  const after = new Map(before);
  if (each.type === 'remove') after.delete(each.name);
  if (each.type === 'write') after.set(each.name, [...each.bytes]);
  if (each.type === 'append') after.set(each.name, [...(before.get(each.name) ?? []), ...each.bytes]);
  return after;
}
