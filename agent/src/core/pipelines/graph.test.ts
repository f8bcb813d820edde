import { StarlingError } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { type Run, startGraph } from './graph-harness.ts';
import { graphWork } from './graph-work.ts';
import type { Values } from './node-work.ts';

const number = (value: unknown): number => value as number;
const add =
  (amount: number): Run =>
  ({ in: value }) => ({ out: number(value) + amount });
const sum: Run = (inputs) => ({ out: Object.values(inputs).reduce<number>((total, value) => total + number(value), 0) });
const fail: Run = () => {
  throw new StarlingError('broken', 'it is broken');
};
const forEver: Run = () => new Promise(() => undefined);
const node = { op: 'test' };

describe('wiring, as in the public scenarios of Seldon Core 2', () => {
  test('a chain gives the outputs of one node to the next', async () => {
    const { push } = startGraph(
      {
        inputs: { x: 'json' },
        outputs: { y: 'json' },
        nodes: { a: node, b: node },
        edges: [
          { from: 'input.x', to: 'a.in' },
          { from: 'a.out', to: 'b.in' },
          { from: 'b.out', to: 'output.y' },
        ],
      },
      { a: add(1), b: add(10) },
    );
    expect(await push({ x: 1 })).toEqual({ y: 12 });
  });

  test('a node takes an input of the node before as well as its output', async () => {
    const { push } = startGraph(
      {
        inputs: { x: 'json' },
        outputs: { y: 'json' },
        nodes: { a: node, b: node },
        edges: [
          { from: 'input.x', to: 'a.in' },
          { from: 'input.x', to: 'b.left' },
          { from: 'a.out', to: 'b.right' },
          { from: 'b.out', to: 'output.y' },
        ],
      },
      { a: add(1), b: sum },
    );
    expect(await push({ x: 5 })).toEqual({ y: 11 });
  });

  const branches = {
    inputs: { choice: 'json', x: 'json' },
    outputs: { y: 'json' },
    nodes: { conditional: node, mul10: node, add10: node },
    edges: [
      { from: 'input.choice', to: 'conditional.choice' },
      { from: 'input.x', to: 'conditional.x' },
      { from: 'conditional.first', to: 'mul10.in' },
      { from: 'conditional.second', to: 'add10.in' },
      { from: 'mul10.out', to: 'output.y' },
      { from: 'add10.out', to: 'output.y' },
    ],
  };
  const conditional = { outputs: ['first', 'second'], run: ({ choice, x }: Values) => (choice === 0 ? { first: x } : { second: x }) };

  test.each([
    [0, 40],
    [1, 14],
  ])('of two branches only that runs whose tensor was emitted (choice %i), and nobody waits for the other', async (choice, expected) => {
    const { push, graph } = startGraph(branches, { conditional, mul10: ({ in: x }) => ({ out: number(x) * 10 }), add10: add(10) });
    expect(await push({ choice, x: 4 })).toEqual({ y: expected });
    const { nodes } = graph.takeFigures();
    expect([nodes.mul10?.runs, nodes.add10?.runs]).toEqual(choice === 0 ? [1, 0] : [0, 1]);
    expect([nodes.mul10?.skipped, nodes.add10?.skipped]).toEqual(choice === 0 ? [0, 1] : [1, 0]);
  });

  const triggered = {
    inputs: { x: 'json', ok1: 'json', ok2: 'json', ok3: 'json' },
    outputs: { y: 'json' },
    nodes: {
      mul10: { op: 'test', triggers: ['input.ok1', 'input.ok2'], triggersJoin: 'any' as const },
      add10: { op: 'test', triggers: ['input.ok3'] },
    },
    edges: [
      { from: 'input.x', to: 'mul10.in' },
      { from: 'input.x', to: 'add10.in' },
      { from: 'mul10.out', to: 'output.y' },
      { from: 'add10.out', to: 'output.y' },
    ],
  };

  test.each([
    [{ x: 2, ok1: true }, { y: 20 }],
    [{ x: 2, ok2: true }, { y: 20 }],
    [{ x: 2, ok3: true }, { y: 12 }],
    [{ x: 2 }, {}],
  ])('triggers let a node run, and their values are not passed on: %j', async (inputs, expected) => {
    const seen: Values[] = [];
    const { push } = startGraph(triggered, {
      mul10: (given) => {
        seen.push(given);
        return { out: number(given.in) * 10 };
      },
      add10: add(10),
    });
    expect(await push(inputs)).toEqual(expected);
    expect(seen.every((given) => Object.keys(given).join() === 'in')).toBe(true);
  });
});

describe('joins', () => {
  const joined = (join: 'inner' | 'any' | 'outer', joinWindowMs?: number) => ({
    inputs: { x: 'json' },
    outputs: { y: 'json' },
    nodes: { quick: node, slow: node, join: { op: 'test', join, ...(joinWindowMs === undefined ? {} : { joinWindowMs }) } },
    edges: [
      { from: 'input.x', to: 'quick.in' },
      { from: 'input.x', to: 'slow.in' },
      { from: 'quick.out', to: 'join.a' },
      { from: 'slow.out', to: 'join.b' },
      { from: 'join.out', to: 'output.y' },
    ],
  });
  const keys: Run = (inputs) => ({ out: Object.keys(inputs).sort().join() });

  test.each([
    ['inner', undefined, 'a,b'],
    ['any', undefined, 'a'],
    ['outer', undefined, 'a,b'],
    ['outer', 5, 'a'],
    ['outer', 50, 'a,b'],
  ] as const)('%s with a window of %s ms runs with %s', async (join, windowMs, expected) => {
    const under = startGraph(joined(join, windowMs), {
      quick: add(1),
      slow: () => new Promise((resolve) => void under.clock.after(20, () => resolve({ out: 2 }))),
      join: keys,
    });
    const answer = under.push({ x: 1 });
    await under.drain();
    expect(await answer).toEqual({ y: expected });
  });
});

describe('a node that fails', () => {
  const chain = (extra: object, edges: { from: string; to: string }[] = []) => ({
    inputs: { x: 'json' },
    outputs: { y: 'json', problem: 'json' },
    nodes: { work: { op: 'test', ...extra }, after: node },
    edges: [
      { from: 'input.x', to: 'work.in' },
      { from: 'work.out', to: 'after.in' },
      { from: 'after.out', to: 'output.y' },
      { from: 'input.x', to: 'output.problem' },
      ...edges,
    ],
  });

  test('ends its item with its code and its name, and no other', async () => {
    const { push } = startGraph(chain({}), {
      work: ({ in: x }) => (x === 1 ? fail({}, undefined as never) : { out: x }),
      after: add(0),
    });
    const results = await Promise.allSettled([push({ x: 1 }), push({ x: 2 })]);
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'broken', field: 'nodes.work' } });
    expect(results[1]).toMatchObject({ status: 'fulfilled', value: { y: 2 } });
  });

  test('may be skipped: what comes behind it stays away, the item goes on', async () => {
    const { push } = startGraph(chain({ onError: 'skip' }), { work: fail, after: add(0) });
    expect(await push({ x: 1 })).toEqual({ problem: 1 });
  });

  test('gives its error to an edge that asks for it', async () => {
    const { push } = startGraph(
      {
        ...chain({}),
        outputs: { problem: 'json' },
        edges: [
          { from: 'input.x', to: 'work.in' },
          { from: 'work.error', to: 'output.problem' },
        ],
      },
      { work: fail, after: add(0) },
    );
    expect(await push({ x: 1 })).toEqual({ problem: { code: 'broken', message: 'work: it is broken', node: 'work' } });
  });

  test('is tried again, with pauses that double', async () => {
    const at: number[] = [];
    const under = startGraph(chain({ retry: { attempts: 3, delayMs: 100 } }), {
      work: ({ in: x }) => {
        at.push(under.clock.monotonicMs());
        return at.length < 3 ? fail({}, undefined as never) : { out: x };
      },
      after: add(0),
    });
    const answer = under.push({ x: 1 });
    await under.drain();
    expect(await answer).toMatchObject({ y: 1 });
    expect(at).toEqual([0, 100, 300]);
  });

  test('and one that hangs hurts only its own items', async () => {
    const under = startGraph(chain({ timeoutMs: 50, concurrency: 1 }), {
      work: (inputs, item) => (inputs.in === 1 ? forEver(inputs, item) : { out: inputs.in }),
      after: add(0),
    });
    const answers = Promise.allSettled([under.push({ x: 1 }), under.push({ x: 2 }), under.push({ x: 3 })]);
    await under.drain();
    const [first, ...others] = await answers;
    expect(first).toMatchObject({ reason: { code: 'timed-out', field: 'nodes.work' } });
    expect(others).toMatchObject([{ value: { y: 2 } }, { value: { y: 3 } }]);
    expect(under.graph.underWay).toBe(0);
  });
});

describe('an item', () => {
  const simple = {
    inputs: { x: 'json' },
    outputs: { y: 'json' },
    nodes: { first: node, second: node },
    edges: [
      { from: 'input.x', to: 'first.in' },
      { from: 'first.out', to: 'second.in' },
      { from: 'second.out', to: 'output.y' },
    ],
  };

  test('that has grown too old is given up, and what waits for it is named', async () => {
    const under = startGraph(simple, { first: forEver, second: add(0) }, { deadlineMs: 500 });
    const answer = under.push({ x: 1 }).catch((error: unknown) => error);
    await under.drain();
    expect(await answer).toMatchObject({ code: 'deadline-passed', message: expect.stringContaining('first') });
  });

  test('that was cancelled is dropped early: nodes behind do not run, those under way are told', async () => {
    const told: unknown[] = [];
    let secondRan = false;
    const abort = new AbortController();
    const under = startGraph(simple, {
      first: (_inputs, item) =>
        new Promise((resolve) => {
          item.signal.addEventListener('abort', () => {
            told.push('first');
            resolve({ out: 1 });
          });
        }),
      second: () => {
        secondRan = true;
        return { out: 1 };
      },
    });
    const answer = under.push({ x: 1 }, { signal: abort.signal }).catch((error: unknown) => error);
    await under.settle();
    abort.abort();
    expect(await answer).toMatchObject({ code: 'cancelled' });
    await under.settle();
    expect([told, secondRan, under.graph.underWay]).toEqual([['first'], false, 0]);
  });

  test('with a value for an input that there is not is refused, with the names of those that there are', async () => {
    const { push } = startGraph(simple, { first: add(1), second: add(1) });
    await expect(push({ z: 1 })).rejects.toMatchObject({ code: 'unknown-input', hint: 'inputs: input.x' });
  });

  test('travels with its values uncopied', async () => {
    const value = new Uint8Array(1000);
    const { push } = startGraph(simple, { first: ({ in: x }) => ({ out: x }), second: ({ in: x }) => ({ out: x }) });
    expect((await push({ x: value })).y).toBe(value);
  });
});

describe('lists', () => {
  test('are spread over runs and gathered; what stays away for one of them is missing', async () => {
    const { push } = startGraph(
      {
        inputs: { xs: 'list<json>', factor: 'json' },
        outputs: { ys: 'list<json>' },
        nodes: { times: { op: 'test', each: true } },
        edges: [
          { from: 'input.xs', to: 'times.x' },
          { from: 'input.factor', to: 'times.factor' },
          { from: 'times.out', to: 'output.ys' },
        ],
      },
      { times: ({ x, factor }) => (x === 2 ? {} : { out: number(x) * number(factor) }) },
    );
    expect(await push({ xs: [1, 2, 3], factor: 10 })).toEqual({ ys: [10, 30] });
    await expect(push({ xs: 1, factor: 10 })).rejects.toMatchObject({ code: 'list-mismatch', field: 'nodes.times' });
  });

  test('go through an inner graph item by item', async () => {
    const inner = startGraph(
      {
        inputs: { x: 'json' },
        outputs: { y: 'json' },
        nodes: { a: node },
        edges: [
          { from: 'input.x', to: 'a.in' },
          { from: 'a.out', to: 'output.y' },
        ],
      },
      { a: add(1) },
    );
    const work = graphWork(inner.graph, ['y']);
    const item = { stream: 's', timeMs: 0, sequence: 0, signal: new AbortController().signal, state: (create: () => object) => create() };
    expect(await work.runEach([{ x: 1 }, { x: 2 }], item as never)).toEqual([{ y: 2 }, { y: 3 }]);
  });
});

describe('whoever watches', () => {
  test('sees every value, every run and every item, until it looks away', async () => {
    const { push, graph } = startGraph(
      {
        inputs: { x: 'json' },
        outputs: { y: 'json' },
        nodes: { a: node },
        edges: [
          { from: 'input.x', to: 'a.in' },
          { from: 'a.out', to: 'output.y' },
        ],
      },
      { a: add(1) },
    );
    const seen: unknown[] = [];
    const stop = graph.observe({
      value: (reference, value, { sequence }) => seen.push([reference, value, sequence]),
      node: (name) => seen.push(name),
      item: (event) => seen.push(event),
    });
    await push({ x: 1 });
    stop();
    await push({ x: 2 });
    expect(seen).toEqual(['entered', ['input.x', 1, 0], 'a', ['a.out', 2, 0], 'left']);
  });
});

test('a graph whose nodes wait for each other is no graph', () => {
  const cyclic = {
    inputs: { x: 'json' },
    outputs: { y: 'json' },
    nodes: { a: node, b: node },
    edges: [
      { from: 'b.out', to: 'a.in' },
      { from: 'a.out', to: 'b.in' },
      { from: 'a.out', to: 'output.y' },
    ],
  };
  expect(() => startGraph(cyclic, { a: add(1), b: add(1) })).toThrow(
    expect.objectContaining({ code: 'invalid-pipeline', message: expect.stringContaining('a, b') }),
  );
});
