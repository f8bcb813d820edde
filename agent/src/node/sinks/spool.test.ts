import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemoryFileStore, type DiskOperation, type MemoryFileStore } from '../../core/ports/memory/file-store.ts';
import { createSystemClock } from '../clock.ts';
import { systemRandom } from '../ids.ts';
import { openSpool, type SinkSpool } from './spool.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function openOver(files: MemoryFileStore, maximumBytes = 64 * 1024 * 1024) {
  const dropped: number[] = [];
  const ports = { files, clock: createSystemClock(), random: systemRandom, maximumBytes };
  return { dropped, spool: await openSpool({ ...ports, onDropped: (count) => dropped.push(count) }) };
}

async function takeAll(spool: SinkSpool): Promise<string[]> {
  const taken: string[] = [];
  while (spool.waiting() > 0) {
    const entry = await spool.oldest();
    if (entry === undefined) break;
    taken.push(textOf(entry.body));
    spool.remove(entry);
  }
  return taken;
}

/** What a process that was killed leaves: perhaps the start of something that it was writing, and told nobody of. */
function crashed({ operations }: MemoryFileStore, tornBytes: number): MemoryFileStore {
  const last = operations.findLast(({ type }) => type === 'append');
  const isThere = last !== undefined && !operations.some(({ type, name }) => type === 'remove' && name === last.name);
  const torn: DiskOperation[] =
    isThere && tornBytes > 0 ? [{ type: 'append', name: last.name, bytes: new Uint8Array(tornBytes).fill(7) }] : [];
  return createMemoryFileStore([...operations, ...torn]);
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 5 }),
      sizeBytes: fc.constantFrom(1, 100, 300_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('take' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('crash' as const), torn: fc.nat(40) }) },
);

describe('the spool of a sink', () => {
  test('gives what was accepted, whole, in order, and after a crash at most again, under the same key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let files = createMemoryFileStore();
        let { spool } = await openOver(files);
        const accepted: string[] = [];
        const got: { body: string; key: string }[] = [];
        const takeOne = async (): Promise<void> => {
          if (spool.waiting() === 0) return;
          const entry = await spool.oldest();
          if (entry === undefined) return expect.unreachable();
          got.push({ body: textOf(entry.body), key: entry.key });
          spool.remove(entry);
        };
        for (const each of steps) {
          if (each.type === 'append') {
            const bodies = Array.from({ length: each.count }, (_, index) => `${accepted.length + index}:`.padEnd(each.sizeBytes, '.'));
            await Promise.all(bodies.map((body) => spool.append('', bytesOf(body))));
            accepted.push(...bodies);
          } else if (each.type === 'take') {
            for (let index = 0; index < each.count; index += 1) await takeOne();
          } else {
            files = crashed(files, each.torn);
            ({ spool } = await openOver(files));
          }
        }
        while (spool.waiting() > 0) await takeOne();
        const firstTimes = got.filter(({ key }, index) => got.findIndex((other) => other.key === key) === index);
        expect(firstTimes.map(({ body }) => body)).toEqual(accepted);
      }),
      { numRuns: 60 },
    );
  });

  test('drops the oldest where the disk that it may take is full, and says how many', async () => {
    const files = createMemoryFileStore();
    const { spool, dropped } = await openOver(files, 2 * 1024 * 1024);
    for (let index = 0; index < 40; index += 1) await spool.append('', bytesOf(`${index}:`.padEnd(200_000, '.')));
    const left = (await takeAll(spool)).map((body) => Number(body.split(':')[0]));
    const lost = dropped.reduce((sum, count) => sum + count, 0);
    expect(lost).toBeGreaterThan(25);
    expect(left).toEqual(Array.from({ length: 40 - lost }, (_, index) => lost + index));
  });

  test('lets go of an entry that went while it was being sent', async () => {
    const { spool } = await openOver(createMemoryFileStore(), 1024 * 1024);
    await spool.append('', bytesOf('first'.padEnd(400_000, '.')));
    const entry = await spool.oldest();
    for (let index = 0; index < 5; index += 1) await spool.append('', bytesOf(`${index}:`.padEnd(400_000, '.')));
    if (entry !== undefined) spool.remove(entry);
    expect((await takeAll(spool)).map((body) => body.slice(0, 2)).at(-1)).toBe('4:');
    expect(spool.waiting()).toBe(0);
  });

  test('refuses a value that can never fit, and says what to raise', async () => {
    const { spool } = await openOver(createMemoryFileStore(), 1024 * 1024);
    await expect(spool.append('', new Uint8Array(600_000))).rejects.toEqual(
      expect.objectContaining({ code: 'value-too-large', field: 'spoolMegabytes' }),
    );
  });

  test('tells whoever appends that the disk is full, and goes on when it is not', async () => {
    const files = createMemoryFileStore();
    const { spool } = await openOver(files);
    await spool.append('', bytesOf('before'));
    files.limit(10);
    await expect(spool.append('', bytesOf('too much for it'))).rejects.toMatchObject({ code: 'disk-full' });
    files.limit(Number.POSITIVE_INFINITY);
    await spool.append('', bytesOf('after'));
    const again = await openOver(createMemoryFileStore(files.operations));
    expect(await takeAll(again.spool)).toEqual(['before', 'after']);
    expect(await takeAll(spool)).toEqual(['before', 'after']);
  });

  test('loses nothing after a first write to a new file that was torn', async () => {
    const files = createMemoryFileStore();
    const { spool } = await openOver(files);
    await spool.append('', bytesOf('whole'));
    const torn: DiskOperation = { type: 'append', name: 'entries-000000000001', bytes: new Uint8Array(20).fill(7) };
    const second = createMemoryFileStore([...files.operations, torn]);
    await (await openOver(second)).spool.append('', bytesOf('next'));
    const third = await openOver(createMemoryFileStore(second.operations));
    expect(await takeAll(third.spool)).toEqual(['whole', 'next']);
  });

  test('leaves no files behind when all was sent', async () => {
    const files = createMemoryFileStore();
    const { spool } = await openOver(files);
    for (let index = 0; index < 9; index += 1) await spool.append('', new Uint8Array(200_000));
    await takeAll(spool);
    await spool.close();
    expect(await files.list('entries-')).toEqual([]);
  });

  test('ends a wait when it is closed', async () => {
    const { spool } = await openOver(createMemoryFileStore());
    const waiting = spool.oldest();
    await spool.close();
    expect(await waiting).toBeUndefined();
  });
});
