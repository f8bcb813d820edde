import { expect, test } from 'vitest';
import type { EngineSession, Tensor } from '../ports/engine.ts';
import { createTurns } from './turns.ts';

function sessionOf(runs: string[]): { session: EngineSession; finish: () => void } {
  const open: (() => void)[] = [];
  const session: EngineSession = {
    ...{ provider: 'cpu', inputNames: ['x'], outputNames: ['y'], close: async () => undefined },
    run: (inputs) =>
      new Promise((resolve) => {
        runs.push(Object.keys(inputs).join());
        open.push(() => resolve({}));
      }),
  };
  return { session, finish: () => open.shift()?.() };
}

const tensor: Tensor = { elementType: 'float32', shape: [1], data: new Float32Array(1) };
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test('who waits for a model goes by priority, then by arrival', async () => {
  const runs: string[] = [];
  const { session, finish } = sessionOf(runs);
  const turns = createTurns(session);
  const [urgent, usual] = [turns.sessionFor(0), turns.sessionFor(5)];
  for (const name of ['first', 'second', 'third']) void usual.run({ [name]: tensor });
  for (const name of ['urgent', 'urgent too']) void urgent.run({ [name]: tensor });
  for (let run = 0; run < 5; run += 1) {
    await settle();
    expect(runs).toHaveLength(run + 1);
    finish();
  }
  expect(runs).toEqual(['first', 'urgent', 'urgent too', 'second', 'third']);
});

test('a run that fails gives its turn on', async () => {
  const failing = createTurns({
    ...{ provider: 'cpu', inputNames: [], outputNames: [], close: async () => undefined },
    run: async () => Promise.reject(new TypeError('broken')),
  }).sessionFor(1);
  const results = await Promise.allSettled([failing.run({}), failing.run({}), failing.run({})]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
});
