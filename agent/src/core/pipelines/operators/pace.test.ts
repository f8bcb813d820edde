import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_MS, type StartedOperator, startOperator } from './operator-harness.ts';

/** Which of some values pass; each comes at its time, in milliseconds after the first. */
async function passed(node: StartedOperator, values: readonly unknown[], timesMs?: readonly number[]): Promise<unknown[]> {
  const given: unknown[] = [];
  for (const [index, value] of values.entries()) {
    const outputs = await node.run({ value }, timesMs === undefined ? {} : { timeMs: FIRST_MS + (timesMs[index] as number) });
    if ('value' in outputs) given.push(outputs['value']);
  }
  return given;
}

const count = (length: number) => Array.from({ length }, (_, index) => index);

describe('flow.sample', () => {
  it('passes the first of every few', async () => {
    expect(await passed(startOperator('flow.sample', { every: 3 }), count(8))).toEqual([0, 3, 6]);
    expect(await passed(startOperator('flow.sample', { every: 1 }), count(3))).toEqual([0, 1, 2]);
  });

  it('passes so many a second, of a source whose times do not fit', async () => {
    const times = count(300).map((frame) => Math.round((frame * 1000) / 30));
    const frames = await passed(startOperator('flow.sample', { perSecond: 10 }), count(300), times);
    expect(frames.slice(0, 5)).toEqual([0, 3, 6, 9, 12]);
    expect(frames).toHaveLength(100);
    // 7 a second do not go into 30.
    expect(await passed(startOperator('flow.sample', { perSecond: 7 }), count(300), times)).toHaveLength(70);
  });

  it('makes nothing up for after a pause, and passes one where time stands still', async () => {
    const node = startOperator('flow.sample', { perSecond: 1 });
    expect(await passed(node, count(6), [0, 100, 60_000, 60_100, 60_200, 60_300])).toEqual([0, 2]);
    expect(await passed(startOperator('flow.sample', { perSecond: 1 }), count(5), [0, 0, 0, 0, 0])).toEqual([0]);
  });

  it('never passes more than it says, but for one', async () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(gaps, fc.double({ min: 0.5, max: 20, noNaN: true }), async (each, perSecond) => {
        let timeMs = 0;
        const times = each.map((gap) => {
          timeMs += gap;
          return timeMs;
        });
        const given = (await passed(startOperator('flow.sample', { perSecond }), times, times)) as number[];
        for (const [index, first] of given.entries()) {
          for (const [more, last] of given.slice(index).entries()) {
            expect(more).toBeLessThanOrEqual(((last - first) * perSecond) / 1000 + 0.5 + 1e-9);
          }
        }
      }),
    );
  });
});

describe('flow.debounce', () => {
  it('passes what has been the same for some items, once', async () => {
    const node = startOperator('flow.debounce', { items: 3 });
    expect(await passed(node, ['a', 'a', 'b', 'a', 'a', 'a', 'a', 'b', 'b', 'a', 'a', 'a', 'b', 'b', 'b'])).toEqual(['a', 'b']);
  });

  it('passes it as long as it lasts, if it is told to', async () => {
    const node = startOperator('flow.debounce', { items: 2, onChange: false });
    expect(await passed(node, [1, 1, 1, 2, 2, 1])).toEqual([1, 1, 2]);
  });

  it('passes what has been the same for some time', async () => {
    const node = startOperator('flow.debounce', { items: 1, stableMs: 100 });
    expect(await passed(node, ['a', 'a', 'b', 'b', 'b'], [0, 99, 100, 150, 200])).toEqual(['b']);
  });

  it('compares what objects say', async () => {
    const node = startOperator('flow.debounce', { items: 2 });
    expect(
      await passed(node, [
        { count: 1, of: [1] },
        { of: [1], count: 1 },
        { count: 1, of: [1, 2] },
      ]),
    ).toEqual([{ of: [1], count: 1 }]);
  });
});

describe('flow.changed', () => {
  it('passes what differs from the value before', async () => {
    expect(await passed(startOperator('flow.changed'), [1, 1, 2, 2, 1])).toEqual([1, 2, 1]);
    expect(await passed(startOperator('flow.changed', { first: false }), [1, 1, 2, 2, 1])).toEqual([2, 1]);
  });

  it('passes the same again after a while', async () => {
    const node = startOperator('flow.changed', { repeatMs: 1000 });
    expect(await passed(node, count(5).fill(7), [0, 500, 1000, 1999, 2000])).toEqual([7, 7, 7]);
  });

  it('compares a key in the place of the value', async () => {
    const node = startOperator('flow.changed');
    expect(await node.run({ value: 'first', key: 1 })).toEqual({ value: 'first' });
    expect(await node.run({ value: 'second', key: 1 })).toEqual({});
    expect(await node.run({ value: 'second', key: 2 })).toEqual({ value: 'second' });
  });

  it.each<[string, unknown, unknown, boolean]>([
    ['NaN and NaN', Number.NaN, Number.NaN, true],
    ['arrays', Float32Array.of(1, 2), Float32Array.of(1, 2), true],
    ['arrays of two types', Float32Array.of(1, 2), Float64Array.of(1, 2), false],
    ['arrays of two lengths', Uint8Array.of(1), Uint8Array.of(1, 0), false],
    ['big numbers', { data: BigInt64Array.of(5n) }, { data: BigInt64Array.of(5n) }, true],
    ['a list and an object', [], {}, false],
    ['a missing field and undefined', { a: undefined }, { b: undefined }, false],
    ['null and an object', null, {}, false],
    ['what every object has', { constructor: 1 }, {}, false],
  ])('%s', async (_what, first, second, isSame) => {
    expect(await passed(startOperator('flow.changed'), [first, second])).toHaveLength(isSame ? 1 : 2);
  });
});
