import { describe, expect, test } from 'vitest';
import { FIRST_MS, startOperator } from './operator-harness.ts';

describe('flow.filter', () => {
  test('lets through what its expression says, with what it sees beside', async () => {
    const filter = startOperator('flow.filter', { when: 'value.score > 0.5 && (most == null || size(most) < 2)', with: ['most'] });
    const good = { score: 0.9 };
    expect(await filter.run({ value: good })).toEqual({ value: good });
    expect(await filter.run({ value: { score: 0.1 } })).toEqual({});
    expect(await filter.run({ value: good, most: [1, 2] })).toEqual({});
  });

  test('sees which item it is', async () => {
    const filter = startOperator('flow.filter', { when: 'item.sequence % 3 == 0' });
    const passed: number[] = [];
    for (let index = 0; index < 7; index += 1) passed.push(Object.keys(await filter.run({ value: index })).length);
    expect(passed).toEqual([1, 0, 0, 1, 0, 0, 1]);
  });

  test('fails where its expression cannot be answered', async () => {
    const filter = startOperator('flow.filter', { when: 'value.score > 0.5' });
    await expect(filter.run({ value: {} })).rejects.toMatchObject({ code: 'expression-failed' });
  });
});

test('flow.switch gives at the first case that is true, else at otherwise', async () => {
  const ways = startOperator('flow.switch', { cases: { large: 'value > 100', odd: 'value % 2 == 1' } });
  expect(await ways.run({ value: 101 })).toEqual({ large: 101 });
  expect(await ways.run({ value: 3 })).toEqual({ odd: 3 });
  expect(await ways.run({ value: 4 })).toEqual({ otherwise: 4 });
});

test('flow.merge gives the first of its inputs that has a value', async () => {
  const merge = startOperator('flow.merge', { inputs: ['a', 'b'] });
  expect(await merge.run({ b: 2 })).toEqual({ value: 2 });
  expect(await merge.run({ a: 0, b: 2 })).toEqual({ value: 0 });
  expect(await merge.run({})).toEqual({});
});

test('flow.collect lists what has a value, in the order of its inputs', async () => {
  const collect = startOperator('flow.collect', { inputs: ['c', 'a', 'b'] });
  expect(await collect.run({ a: 1, c: null })).toEqual({ values: [null, 1] });
});

test('flow.delay gives the value before, for each stream', async () => {
  const plain = startOperator('flow.delay');
  expect(await plain.run({ value: 1 })).toEqual({});
  expect(await plain.run({ value: 2 }, { stream: 'other' })).toEqual({});
  expect(await plain.run({ value: 3 })).toEqual({ value: 1 });
  const zeros = startOperator('flow.delay', { type: 'tensor<int64,[1,2]>', initial: 7 });
  expect(await zeros.run({ value: 1 })).toEqual({ value: { elementType: 'int64', shape: [1, 2], data: new BigInt64Array([7n, 7n]) } });
});

describe('flow.window', () => {
  test('of a count gives the last ones each step', async () => {
    const window = startOperator('flow.window', { count: 3, step: 2 });
    const given: unknown[] = [];
    for (let value = 0; value < 7; value += 1) given.push((await window.run({ value }))['values']);
    expect(given).toEqual([undefined, undefined, [0, 1, 2], undefined, [2, 3, 4], undefined, [4, 5, 6]]);
  });

  test('of time gives what was taken in it, and nothing for times without items', async () => {
    const window = startOperator('flow.window', { ms: 100 });
    const at = async (timeMs: number) => (await window.run({ value: timeMs }, { timeMs: FIRST_MS + timeMs }))['values'];
    expect([await at(0), await at(60), await at(100), await at(150), await at(500), await at(599), await at(600)]).toEqual([
      ...[undefined, undefined, [0, 60], undefined, [100, 150], undefined, [500, 599]],
    ]);
  });

  test('of time may overlap', async () => {
    const window = startOperator('flow.window', { ms: 100, stepMs: 50 });
    const given: unknown[] = [];
    for (let timeMs = 0; timeMs <= 240; timeMs += 40)
      given.push((await window.run({ value: timeMs }, { timeMs: FIRST_MS + timeMs }))['values']);
    expect(given).toEqual([undefined, undefined, undefined, [0, 40, 80], [80, 120], [120, 160], undefined]);
  });
});

describe('lists', () => {
  const values = [
    { score: 0.2, label: 'b' },
    { score: 0.9, label: 'a' },
    { score: 0.5, label: 'c' },
  ];

  test('are filtered, mapped, sorted and counted', async () => {
    expect(await startOperator('list.filter', { when: 'value.score > least', with: ['least'] }).run({ values, least: 0.4 })).toEqual({
      values: [values[1], values[2]],
    });
    expect(await startOperator('list.map', { give: 'string(index) + value.label' }).run({ values })).toEqual({
      values: ['0b', '1a', '2c'],
    });
    const sorted = await startOperator('list.sort', { by: 'value.score', descending: true, count: 2 }).run({ values });
    expect(sorted).toEqual({ values: [values[1], values[2]] });
    expect(await startOperator('list.sort', { by: 'value.label' }).run({ values })).toEqual({ values: [values[1], values[0], values[2]] });
    expect(await startOperator('list.count').run({ values })).toEqual({ count: 3 });
  });

  test('are taken apart and put together', async () => {
    expect(await startOperator('list.first').run({ values })).toEqual({ value: values[0] });
    expect(await startOperator('list.first').run({ values: [] })).toEqual({});
    expect(await startOperator('list.flatten').run({ lists: [[1], [], [2, 3]] })).toEqual({ values: [1, 2, 3] });
  });

  test('keep what expressions only describe: pictures stay pictures', async () => {
    const images = [10, 30].map((width) => ({ width, height: 1, data: new Uint8Array(width * 3) }));
    const { values: kept } = await startOperator('list.filter', { when: 'value.width > 20' }).run({ values: images });
    expect((kept as unknown[])[0]).toBe(images[1]);
  });

  test('that are none, or have no order, fail', async () => {
    await expect(startOperator('list.count').run({ values: 3 })).rejects.toMatchObject({ code: 'wrong-value', field: 'values' });
    await expect(startOperator('list.sort', { by: 'value' }).run({ values: [[1]] })).rejects.toMatchObject({ code: 'expression-failed' });
  });
});

test('values are computed, or constant', async () => {
  const compute = startOperator('value.compute', { inputs: ['a', 'b'], give: '{"sum": a + (b == null ? 0 : b)}' });
  expect(await compute.run({ a: 1, b: 2 })).toEqual({ value: { sum: 3 } });
  expect(await compute.run({ a: 1 })).toEqual({ value: { sum: 1 } });
  expect(await startOperator('value.constant', { value: { a: [1] } }).run({})).toEqual({ value: { a: [1] } });
  expect(await startOperator('value.constant', { type: 'tensor<float32,[2]>', value: 0.5 }).run({})).toEqual({
    value: { elementType: 'float32', shape: [2], data: new Float32Array([0.5, 0.5]) },
  });
});

describe('stream.join', () => {
  type Arrival = [port: 'left' | 'right', value: number, timeMs: number];
  /** Each arrival in turn, and what it brought out. State is of the node: the harness keeps it by stream, so all come in one. */
  async function joined(mode: string, arrivals: Arrival[]): Promise<string[]> {
    const join = startOperator('stream.join', { inputs: ['left', 'right'], windowMs: 50, mode });
    const given: string[] = [];
    for (const [port, value, timeMs] of arrivals) {
      const { left = '-', right = '-' } = await join.run({ [port]: value }, { timeMs: FIRST_MS + timeMs });
      given.push(`${left} ${right}`);
    }
    return given;
  }

  test('inner gives pairs within the window, each value once', async () => {
    expect(
      await joined('inner', [
        ['left', 1, 0],
        ['right', 2, 40],
        ['right', 3, 45],
        ['left', 4, 200],
        ['right', 5, 300],
        ['left', 6, 349],
      ]),
    ).toEqual([...['- -', '1 2', '- -', '- -', '- -', '6 5']]);
  });

  test('inner takes the nearest in time, whichever comes first', async () => {
    expect(
      await joined('inner', [
        ['left', 1, 0],
        ['left', 2, 40],
        ['right', 3, 45],
        ['right', 4, 46],
      ]),
    ).toEqual(['- -', '- -', '2 3', '1 4']);
  });

  test('any gives each value with what there is of the other', async () => {
    expect(
      await joined('any', [
        ['left', 1, 0],
        ['right', 2, 40],
        ['right', 3, 45],
        ['left', 4, 200],
      ]),
    ).toEqual(['1 -', '1 2', '1 3', '4 -']);
  });

  test('outer gives also what stayed alone, once nothing can come for it', async () => {
    expect(
      await joined('outer', [
        ['left', 1, 0],
        ['right', 2, 40],
        ['left', 3, 200],
        ['right', 4, 300],
        ['left', 5, 310],
      ]),
    ).toEqual([...['- -', '1 2', '- -', '3 -', '5 4']]);
  });

  test('of a stream without a partner keeps little, and loses nothing of outer', async () => {
    const arrivals = Array.from({ length: 300 }, (_, index): Arrival => ['left', index, index * 100]);
    const given = await joined('outer', arrivals);
    expect(given.slice(1)).toEqual(arrivals.slice(0, -1).map(([, value]) => `${value} -`));
  });
});
