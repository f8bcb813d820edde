import type { TensorPort } from '@starling/shared';
import { expect, test } from 'vitest';
import type { Tensor } from '../ports/engine.ts';
import { bindModelState } from './model-state.ts';

const floats = (...values: number[]): Tensor => ({ elementType: 'float32', shape: [1, values.length], data: Float32Array.from(values) });
const declared: TensorPort[] = [
  { name: 'input', elementType: 'float32', shape: ['batch', 'samples'] },
  { name: 'sum', elementType: 'float32', shape: ['batch', 1] },
  { name: 'count', elementType: 'int64', shape: [] },
];

/** Adds up what comes, and counts it. */
const addUp = async ({ input, sum, count }: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> => ({
  sumNext: floats((sum?.data[0] as number) + (input?.data[0] as number)),
  countNext: { elementType: 'int64', shape: [], data: BigInt64Array.of((count?.data[0] as bigint) + 1n) },
});
const state = { sum: 'sumNext', count: 'countNext' };

function stream() {
  let kept: object | undefined;
  return {
    signal: new AbortController().signal,
    state<State extends object>(create: () => State): State {
      kept ??= create();
      return kept as State;
    },
  };
}

test('begins with zeros of the declared shape, and gives each run what the one before left', async () => {
  const model = bindModelState(state, declared);
  const seen: Readonly<Record<string, Tensor>>[] = [];
  const [first, second] = [stream(), stream()];
  for (const [item, value] of [
    [first, 1],
    [first, 2],
    [second, 10],
    [first, 4],
  ] as const) {
    await model.run({ input: floats(value) }, item, (inputs) => {
      seen.push(inputs);
      return addUp(inputs);
    });
  }
  expect(seen[0]).toEqual({ input: floats(1), sum: floats(0), count: { elementType: 'int64', shape: [], data: BigInt64Array.of(0n) } });
  expect(seen.map(({ sum, count }) => [sum?.data[0], count?.data[0]])).toEqual([
    [0, 0n],
    [1, 1n],
    [0, 0n],
    [3, 2n],
  ]);
});

test('goes through a list in its order, and on from there with the next item', async () => {
  const model = bindModelState(state, declared);
  const item = stream();
  const sumsOf = async (...values: number[]) =>
    (
      await model.runEach(
        values.map((value) => ({ input: floats(value) })),
        item,
        addUp,
      )
    ).map(({ sumNext }) => sumNext?.data[0]);
  expect(await sumsOf(1, 2, 3)).toEqual([1, 3, 6]);
  expect(await sumsOf()).toEqual([]);
  expect(await sumsOf(4)).toEqual([10]);
});

test('stays as it was when a run fails, and takes what an edge gives instead', async () => {
  const model = bindModelState(state, declared);
  const item = stream();
  await model.run({ input: floats(1) }, item, addUp);
  await expect(model.run({ input: floats(2) }, item, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect((await model.run({ input: floats(3) }, item, addUp)).sumNext).toEqual(floats(4));
  expect((await model.run({ input: floats(3), sum: floats(100) }, item, addUp)).sumNext).toEqual(floats(103));
});

test('ends a list whose item nobody waits for any more', async () => {
  const cancelled = { ...stream(), signal: AbortSignal.abort(new Error('gone')) };
  await expect(bindModelState(state, declared).runEach([{ input: floats(1) }], cancelled, addUp)).rejects.toThrow('gone');
});

test('names what does not fit', async () => {
  expect(() => bindModelState({ h: 'hn' }, declared)).toThrow(expect.objectContaining({ code: 'unknown-port', field: 'state.h' }));
  const texts: TensorPort[] = [{ name: 'words', elementType: 'string', shape: [1] }];
  expect(() => bindModelState({ words: 'next' }, texts)).toThrow(expect.objectContaining({ code: 'unsupported-state' }));
  const run = (outputs: Record<string, Tensor>) => bindModelState({ sum: 'next' }, declared).run({}, stream(), async () => outputs);
  await expect(run({ other: floats(1) })).rejects.toMatchObject({ code: 'unknown-port', hint: 'outputs: other' });
  await expect(run({ next: floats(1, 2) })).rejects.toMatchObject({ code: 'state-mismatch', field: 'state.sum' });
  await expect(run({ next: { elementType: 'float64', shape: [1, 1], data: Float64Array.of(1) } })).rejects.toMatchObject({
    code: 'state-mismatch',
  });
});
