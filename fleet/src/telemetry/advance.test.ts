import type { TelemetryBatch, TelemetryRecord } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, type Cursor } from './advance.ts';

const start: Cursor = {
  device: 'd',
  streamId: 's',
  kind: 'events',
  sequence: 0,
  stored: 0,
  repeated: 0,
  declaredDropped: 0,
  lost: 0,
  shed: 0,
};
const record = (sequence: number): TelemetryRecord => ({ sequence, bootId: 'b', monotonicMs: 0, wallMs: 0, clock: 'trusted', payload: {} });
const batch = (sequences: readonly number[], dropped: TelemetryBatch['dropped'] = []): TelemetryBatch => ({
  streamId: 's',
  records: sequences.map(record),
  dropped,
});

/** Applies batches one after the other, as a stream arrives. @returns the cursor and every record that was stored, in order */
function deliver(batches: readonly TelemetryBatch[], from: Cursor = start): { cursor: Cursor; stored: number[] } {
  let cursor = from;
  const stored: number[] = [];
  for (const each of batches) {
    const delivery = advance(cursor, each);
    stored.push(...delivery.fresh.map(({ sequence }) => sequence));
    cursor = { ...cursor, ...delivery.cursor };
  }
  return { cursor, stored };
}

describe('a stream of telemetry', () => {
  test('is stored once and whole, however it is cut into batches and sent again', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(cuts, fc.array(fc.nat(20), { maxLength: 20 }), (lengths, again) => {
        const batches: TelemetryBatch[] = [];
        let next = 1;
        for (const length of lengths) {
          batches.push(batch(Array.from({ length }, (_, index) => next + index)));
          next += length;
        }
        // A lost acknowledgement makes the device send what it has sent: the same batch, or all from one place on.
        const sent = batches.flatMap((each, index) => (again.includes(index) ? [each, ...batches.slice(0, index + 1)] : [each]));
        const { cursor, stored } = deliver(sent);
        expect(stored).toEqual(Array.from({ length: next - 1 }, (_, index) => index + 1));
        expect(cursor).toMatchObject({ sequence: next - 1, stored: next - 1, lost: 0, declaredDropped: 0 });
        expect(cursor.repeated).toBe(sent.reduce((sum, each) => sum + each.records.length, 0) - (next - 1));
      }),
    );
  });

  test('accounts for every sequence exactly once: stored, declared or lost', () => {
    const fate = fc.constantFrom('sent' as const, 'declared' as const, 'gone' as const);
    fc.assert(
      fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 10 }), (fates, batchLength) => {
        const of = (wanted: string): number[] => fates.flatMap((each, index) => (each === wanted ? [index + 1] : []));
        const [sent, declared, gone] = [of('sent'), of('declared'), of('gone')];
        const dropped = declared.map((sequence) => ({ from: sequence, to: sequence }));
        const batches: TelemetryBatch[] = [];
        for (let at = 0; at < Math.max(1, sent.length); at += batchLength) batches.push(batch(sent.slice(at, at + batchLength), dropped));
        const { cursor, stored } = deliver(batches);
        expect(stored).toEqual(sent);
        const below = (sequences: readonly number[]): number => sequences.filter((sequence) => sequence <= cursor.sequence).length;
        expect(cursor.stored + cursor.declaredDropped + cursor.lost + cursor.shed).toBe(cursor.sequence);
        expect([cursor.stored, cursor.declaredDropped, cursor.lost]).toEqual([below(sent), below(declared), below(gone)]);
      }),
    );
  });

  test('never goes back, and never stores twice, whatever is sent', () => {
    const number = fc.integer({ min: 1, max: 40 });
    const range = fc.tuple(number, number).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
    const any = fc
      .tuple(fc.array(number, { maxLength: 15 }), fc.array(range, { maxLength: 4 }))
      .map(([records, dropped]) => batch(records, dropped));
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), (batches) => {
        let cursor = start;
        const seen = new Set<number>();
        for (const each of batches) {
          const delivery = advance(cursor, each);
          expect(delivery.cursor.sequence).toBeGreaterThanOrEqual(cursor.sequence);
          for (const { sequence } of delivery.fresh) {
            expect(sequence > cursor.sequence && !seen.has(sequence)).toBe(true);
            seen.add(sequence);
          }
          cursor = { ...cursor, ...delivery.cursor };
          expect(cursor.stored + cursor.declaredDropped + cursor.lost + cursor.shed).toBe(cursor.sequence);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each<[string, TelemetryBatch[], Partial<Cursor>]>([
    ['a gap that was declared', [batch([1, 2, 5], [{ from: 3, to: 4 }])], { sequence: 5, stored: 3, declaredDropped: 2, lost: 0 }],
    ['a gap that was not', [batch([1, 2, 5])], { sequence: 5, stored: 3, declaredDropped: 0, lost: 2 }],
    ['a declaration alone', [batch([], [{ from: 1, to: 9 }])], { sequence: 9, stored: 0, declaredDropped: 9 }],
    [
      'a declaration that is repeated',
      [batch([], [{ from: 1, to: 9 }]), batch([10], [{ from: 1, to: 9 }])],
      { sequence: 10, stored: 1, declaredDropped: 9 },
    ],
    [
      'a declaration of what is stored',
      [batch([1, 2, 3]), batch([], [{ from: 1, to: 2 }])],
      { sequence: 3, stored: 3, declaredDropped: 0 },
    ],
    [
      'ranges that overlap',
      [
        batch(
          [10],
          [
            { from: 1, to: 6 },
            { from: 4, to: 9 },
          ],
        ),
      ],
      { sequence: 10, stored: 1, declaredDropped: 9, lost: 0 },
    ],
    ['records out of order', [batch([3, 1, 2])], { sequence: 3, stored: 3, lost: 0 }],
    ['a record twice in one batch', [batch([1, 1, 2])], { sequence: 2, stored: 2, repeated: 1 }],
    ['nothing', [batch([])], { sequence: 0, stored: 0 }],
  ])('with %s', (_what, batches, expected) => {
    expect(deliver(batches).cursor).toMatchObject(expected);
  });
});
