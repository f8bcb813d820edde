import type { TensorPort } from '@starling/shared';
import { expect, test } from 'vitest';
import type { Tensor } from '../ports/engine.ts';
import { withModelState } from './model-state.ts';
import type { NodeWork, Values } from './node-work.ts';
import type { OperatorItem } from './operators/index.ts';

const floats = (...values: number[]): Tensor => ({ elementType: 'float32', shape: [1, values.length], data: Float32Array.from(values) });
const declared: TensorPort[] = [
  { name: 'input', elementType: 'float32', shape: ['batch', 'samples'] },
  { name: 'sum', elementType: 'float32', shape: ['batch', 1] },
  { name: 'count', elementType: 'int64', shape: [] },
];

/** Adds up what comes, and counts it. */
async function addUp(inputs: Values): Promise<Values> {
  const { input, sum, count } = inputs as Record<string, Tensor>;
  return {
    sumNext: floats((sum?.data[0] as number) + (input?.data[0] as number)),
    countNext: { elementType: 'int64', shape: [], data: BigInt64Array.of((count?.data[0] as bigint) + 1n) },
  };
}
const work = (run: NodeWork['run']): NodeWork => ({ outputNames: ['sumNext', 'countNext'], run, runEach: () => expect.unreachable() });
const state = { sum: 'sumNext', count: 'countNext' };
const adder = () => withModelState(work(addUp), state, declared);

function stream(signal = new AbortController().signal): OperatorItem {
  let kept: object | undefined;
  return {
    ...{ signal, stream: 'a', sequence: 0, seenAs: 0, timeMs: 0 },
    state<State extends object>(create: () => State): State {
      kept ??= create();
      return kept as State;
    },
  };
}

test('begins with zeros of the declared shape, and gives each run what the one before left', async () => {
  const seen: Values[] = [];
  const model = withModelState(
    work((inputs) => {
      seen.push(inputs);
      return addUp(inputs);
    }),
    state,
    declared,
  );
  const [first, second] = [stream(), stream()];
  await model.run({ input: floats(1) }, first);
  await model.run({ input: floats(2) }, first);
  await model.run({ input: floats(10) }, second);
  await model.run({ input: floats(4) }, first);
  expect(seen[0]).toEqual({ input: floats(1), sum: floats(0), count: { elementType: 'int64', shape: [], data: BigInt64Array.of(0n) } });
  expect(seen.map(({ sum, count }) => [(sum as Tensor).data[0], (count as Tensor).data[0]])).toEqual([
    [0, 0n],
    [1, 1n],
    [0, 0n],
    [3, 2n],
  ]);
});

test('goes through a list in its order, and on from there with the next item', async () => {
  const model = adder();
  const item = stream();
  const sumsOf = async (...values: number[]) =>
    (
      await model.runEach(
        values.map((value) => ({ input: floats(value) })),
        item,
      )
    ).map(({ sumNext }) => (sumNext as Tensor).data[0]);
  expect(await sumsOf(1, 2, 3)).toEqual([1, 3, 6]);
  expect(await sumsOf()).toEqual([]);
  expect(await sumsOf(4)).toEqual([10]);
});

test('stays as it was when a run fails, and takes what an edge gives instead', async () => {
  let fails = false;
  const model = withModelState(
    work((inputs) => (fails ? Promise.reject(new Error('no')) : addUp(inputs))),
    state,
    declared,
  );
  const item = stream();
  await model.run({ input: floats(1) }, item);
  fails = true;
  await expect(model.run({ input: floats(2) }, item)).rejects.toThrow('no');
  fails = false;
  expect((await model.run({ input: floats(3) }, item)).sumNext).toEqual(floats(4));
  expect((await model.run({ input: floats(3), sum: floats(100) }, item)).sumNext).toEqual(floats(103));
});

test('ends a list whose item nobody waits for any more', async () => {
  const cancelled = stream(AbortSignal.abort(new Error('gone')));
  await expect(adder().runEach([{ input: floats(1) }], cancelled)).rejects.toThrow('gone');
});

test('names what does not fit', async () => {
  const keeps = (kept: Record<string, string>, ports = declared) => withModelState(work(addUp), kept, ports);
  expect(() => keeps({ h: 'hn' })).toThrow(expect.objectContaining({ code: 'unknown-port', field: 'state.h' }));
  const texts: TensorPort[] = [{ name: 'words', elementType: 'string', shape: [1] }];
  expect(() => keeps({ words: 'next' }, texts)).toThrow(expect.objectContaining({ code: 'unsupported-state' }));
  const giving = async (outputs: Values) =>
    withModelState(
      work(() => outputs),
      { sum: 'next' },
      declared,
    ).run({}, stream());
  await expect(giving({ other: floats(1) })).rejects.toMatchObject({ code: 'unknown-port', hint: 'outputs: other' });
  await expect(giving({ next: floats(1, 2) })).rejects.toMatchObject({ code: 'state-mismatch', field: 'state.sum' });
  const doubles = { elementType: 'float64', shape: [1, 1], data: Float64Array.of(1) };
  await expect(giving({ next: doubles })).rejects.toMatchObject({ code: 'state-mismatch' });
});
