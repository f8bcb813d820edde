import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemoryFileStore, type DiskOperation } from '../ports/memory/file-store.ts';
import { applyEntry, emptyState, entriesOf, type GoodRelease, type JournalEntry, type JournalState, openJournal } from './journal.ts';

const digest = fc.integer({ min: 0, max: 4 }).map((byte) => `${byte}`.repeat(64));
const release: fc.Arbitrary<GoodRelease> = fc.record({
  assignment: fc.record({ release: digest, artefacts: fc.dictionary(fc.constantFrom('detect', 'read'), digest) }),
  telemetryWindowMs: fc.integer({ min: 1_000, max: 10_000 }),
  sinceMs: fc.integer({ min: 0 }),
});
const entry: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc.record({ type: fc.constant('root' as const), signed: fc.string() }),
  fc.record({ type: fc.constant('desired' as const), signed: fc.string(), epoch: fc.nat(3), generation: fc.nat(100) }),
  fc.record({ type: fc.constant('good' as const), release: fc.option(release) }),
  fc.record({ type: fc.constant('failed' as const), release: digest, attempts: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ type: fc.constant('time' as const), trustedMs: fc.nat(1_000) }),
  fc.record({ type: fc.constant('executed' as const), id: fc.string(), notAfterMs: fc.integer({ min: 1_001 }), result: fc.string() }),
);
/** Some results are large, so that a few dozen entries make the log be written anew. */
const largeEntry = fc.oneof(
  { weight: 4, arbitrary: entry },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('desired' as const),
      signed: fc.integer({ min: 40_000, max: 90_000 }).map((length) => 'x'.repeat(length)),
      epoch: fc.nat(3),
      generation: fc.nat(100),
    }),
  },
);

const stateOf = (entries: readonly JournalEntry[]): JournalState => entries.reduce(applyEntry, emptyState());

/** The disk after a crash in the middle of operation `at`: appends may be there in part, whole files all or not at all. */
function crashedAt(operations: readonly DiskOperation[], at: number, part: number): DiskOperation[] {
  const whole = operations.slice(0, at);
  const last = operations[at];
  if (last?.type !== 'append') return whole;
  return [...whole, { ...last, bytes: last.bytes.slice(0, Math.floor(part * last.bytes.length)) }];
}

describe('the journal', () => {
  test('every prefix of its writes replays to the state at that time, and goes on from there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(largeEntry, { minLength: 1, maxLength: 24 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (entries, part) => {
          const files = createMemoryFileStore();
          const journal = await openJournal(files);
          for (const each of entries) await journal.record(each);
          expect(files.operations).toHaveLength(entries.length);
          for (let at = 0; at <= entries.length; at += 1) {
            const disk = createMemoryFileStore(crashedAt(files.operations, at, part));
            const reopened = await openJournal(disk);
            const expected = stateOf(entries.slice(0, at));
            expect(reopened.state).toEqual(expected);
            const next: JournalEntry = { type: 'time', trustedMs: 2_000 };
            await reopened.record(next);
            expect((await openJournal(createMemoryFileStore(disk.operations))).state).toEqual(applyEntry(expected, next));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a bit that flips anywhere ends the replay there: what came before holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 10 }), fc.nat(), fc.nat(7), async (entries, place, bit) => {
        const files = createMemoryFileStore();
        const journal = await openJournal(files);
        for (const each of entries) await journal.record(each);
        const bytes = (await files.read('journal')) as Uint8Array;
        bytes[place % bytes.length] = (bytes[place % bytes.length] as number) ^ (1 << bit);
        const reopened = await openJournal(createMemoryFileStore([{ type: 'write', name: 'journal', bytes }]));
        const states = Array.from({ length: entries.length }, (_, count) => stateOf(entries.slice(0, count)));
        expect(states).toContainEqual(reopened.state);
      }),
    );
  });

  test('a record that did not fit on the disk is not there, and those after it are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 8 }), entry, fc.nat(60), entry, async (entries, failing, room, later) => {
        const files = createMemoryFileStore();
        const journal = await openJournal(files);
        for (const each of entries) await journal.record(each);
        files.limit(room);
        const fitted = await journal.record(failing).then(
          () => true,
          () => false,
        );
        files.limit(Number.POSITIVE_INFINITY);
        await journal.record(later);
        const expected = stateOf([...entries, ...(fitted ? [failing] : []), later]);
        expect(journal.state).toEqual(expected);
        expect((await openJournal(createMemoryFileStore(files.operations))).state).toEqual(expected);
      }),
    );
  });

  test('the shortest log gives the same state', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(stateOf(entriesOf(stateOf(entries)))).toEqual(stateOf(entries));
      }),
    );
  });
});
