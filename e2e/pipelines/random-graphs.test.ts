import { isStarlingError } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createGraph, createVirtualClock, createWorkQueue, planGraph } from '../../agent/src/core/pipelines/index.ts';
import { scaled, testSeed } from '../harness/scale.ts';
import { bindBehaviour } from './bind-behaviour.ts';
import { createInterpreter, type Outcome } from './naive-interpreter.ts';
import { graphFrom, type NodeBehaviour, type RandomGraph, tape } from './random-graph.ts';

/** Of each of the two kinds: 10,000 together, at full counts. */
const GRAPHS = 5_000;
const runs = { numRuns: scaled(GRAPHS), seed: testSeed() };

interface Entry {
  values: Record<string, number>;
  stream: string;
}

const entries = (count: number) =>
  fc.array(
    fc.record({
      values: fc.dictionary(fc.constantFrom('input.a', 'input.b', 'input.c'), fc.nat(1000), { maxKeys: 3 }),
      stream: fc.constantFrom('left', 'right'),
    }),
    { minLength: 1, maxLength: count },
  );

/** Runs all items, at most `underWay` at once, with time going on whenever nothing else happens. */
async function runEngine({ graph, behaviours }: RandomGraph, items: readonly Entry[], underWay: number): Promise<Outcome[]> {
  const clock = createVirtualClock();
  const engine = createGraph(
    planGraph(graph, (name) => bindBehaviour(behaviours[name] as NodeBehaviour, clock)),
    { clock },
  );
  const queue = createWorkQueue({ length: items.length, policy: 'block', concurrency: underWay });
  let open = items.length;
  const outcomes = items.map(({ values, stream }) => {
    const known = Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(graph.inputs, name.slice('input.'.length))));
    return queue
      .push(() => engine.run({ values: known, stream, timeMs: 0 }))
      .then(({ outputs }): Outcome => ({ outputs }))
      .catch(
        (error: unknown): Outcome => ({ failedAt: isStarlingError(error) ? String(error.field).replace('nodes.', '') : String(error) }),
      )
      .finally(() => {
        open -= 1;
      });
  });
  for (let idle = 0; open > 0; ) {
    await new Promise((resolve) => setImmediate(resolve));
    idle = clock.advance() ? 0 : idle + 1;
    if (idle > 3) expect.unreachable(`${open} items wait for ever in ${JSON.stringify(graph)}`);
  }
  do await new Promise((resolve) => setImmediate(resolve));
  while (clock.advance());
  expect(engine.underWay).toBe(0);
  return Promise.all(outcomes);
}

function runNaively(random: RandomGraph, items: readonly Entry[]): Outcome[] {
  const interpret = createInterpreter(random);
  return items.map(({ values, stream }) => interpret(values, stream));
}

test('graphs whose joins depend on time give what a naive interpreter gives', { timeout: 1_200_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(tape, entries(3), async (numbers, items) => {
      const random = graphFrom(numbers, { timed: true });
      expect(await runEngine(random, items, 1)).toEqual(runNaively(random, items));
    }),
    runs,
  );
});

test('graphs with state, delays, queues and limits give it with many items under way', { timeout: 1_200_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(tape, entries(12), fc.integer({ min: 1, max: 6 }), async (numbers, items, underWay) => {
      const random = graphFrom(numbers, { timed: false });
      expect(await runEngine(random, items, underWay)).toEqual(runNaively(random, items));
    }),
    runs,
  );
});
