import { describe, expect, test } from 'vitest';
import { type Run, startGraph } from './graph-harness.ts';

const number = (value: unknown): number => value as number;
const sum: Run = (inputs) => ({ out: Object.values(inputs).reduce<number>((total, value) => total + number(value), 0) });
const node = { op: 'test' };

describe('what waits on an edge', () => {
  const queued = (queue: object) => ({
    inputs: { x: 'json' },
    outputs: { y: 'json', seen: 'json' },
    nodes: { work: { op: 'test', concurrency: 1 } },
    edges: [
      { from: 'input.x', to: 'work.in', queue },
      { from: 'work.out', to: 'output.y' },
      { from: 'input.x', to: 'output.seen' },
    ],
  });
  const runs = async (queue: object) => {
    const under = startGraph(queued(queue), {
      work: ({ in: x }) => new Promise((resolve) => void under.clock.after(10, () => resolve({ out: x }))),
    });
    const answers = Promise.all([1, 2, 3, 4, 5].map((x) => under.push({ x })));
    await under.drain();
    const { ports } = under.graph.takeFigures();
    return { answers: (await answers).map(({ y }) => y), dropped: ports['input.x']?.dropped, waiting: ports['input.x']?.waiting };
  };

  test.each([
    ['block', { length: 2, policy: 'block' }, [1, 2, 3, 4, 5], 0],
    ['drop-oldest', { length: 2, policy: 'drop-oldest' }, [1, undefined, undefined, 4, 5], 2],
    ['drop-newest', { length: 2, policy: 'drop-newest' }, [1, 2, 3, undefined, undefined], 2],
    ['latest', { length: 2, policy: 'latest' }, [1, undefined, undefined, undefined, 5], 3],
  ])('is treated by the policy %s', async (_name, queue, expected, dropped) => {
    expect(await runs(queue)).toEqual({ answers: expected, dropped, waiting: 0 });
  });
});

describe('what is kept from item to item', () => {
  const counting = {
    inputs: { x: 'json' },
    outputs: { y: 'json' },
    nodes: { count: node },
    edges: [
      { from: 'input.x', to: 'count.in' },
      { from: 'count.out', to: 'output.y' },
    ],
  };
  const count: Run = (_inputs, item) => {
    const state = item.state(() => ({ count: 0 }));
    state.count += 1;
    return { out: state.count };
  };

  test('is kept for each stream, in the order of its items', async () => {
    const { push } = startGraph(counting, { count: { run: count, state: 'stream' } });
    const answers = await Promise.all([push({ x: 1 }, { stream: 'a' }), push({ x: 1 }, { stream: 'b' }), push({ x: 1 }, { stream: 'a' })]);
    expect(answers.map(({ y }) => y)).toEqual([1, 1, 2]);
  });

  test('or for all streams together', async () => {
    const { push } = startGraph(counting, { count: { run: count, state: 'node' } });
    const answers = await Promise.all([push({ x: 1 }, { stream: 'a' }), push({ x: 1 }, { stream: 'b' })]);
    expect(answers.map(({ y }) => y)).toEqual([1, 2]);
  });

  test('is bounded: of very many streams the one that was silent for longest is forgotten', async () => {
    const { push } = startGraph(counting, { count: { run: count, state: 'stream' } });
    await push({ x: 1 }, { stream: 'first' });
    for (let index = 0; index < 300; index += 1) await push({ x: 1 }, { stream: `s${index}` });
    expect([await push({ x: 1 }, { stream: 's299' }), await push({ x: 1 }, { stream: 'first' })]).toEqual([{ y: 2 }, { y: 1 }]);
  });

  test('a delay gives the value of the item before, and may close a cycle', async () => {
    const { push } = startGraph(
      {
        inputs: { x: 'json' },
        outputs: { y: 'json' },
        nodes: { sum: node, before: { op: 'flow.delay' } },
        edges: [
          { from: 'input.x', to: 'sum.a' },
          { from: 'before.value', to: 'sum.b' },
          { from: 'sum.out', to: 'before.value' },
          { from: 'sum.out', to: 'output.y' },
        ],
      },
      { sum, before: { run: () => ({ value: 100 }), outputs: ['value'] } },
    );
    expect(await Promise.all([1, 2, 3].map((x) => push({ x })))).toEqual([{ y: 101 }, { y: 103 }, { y: 106 }]);
  });
});
