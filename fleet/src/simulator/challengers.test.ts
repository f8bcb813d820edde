import type { ExperimentAssignment } from '@starling/shared';
import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { createBehaviour, defaultBehaviour } from './behaviour.ts';
import { createChallengers } from './challengers.ts';
import { noFigures } from './messages.ts';

const [first, second] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];
const experiment = (id: string, release: string): ExperimentAssignment => ({
  ...{ id, mode: 'split', key: 'item' },
  arms: [{ release, share: 0.5, artefacts: {} }],
});

/** Waits are left out once the queue is run. */
function open() {
  const waiting: (() => void)[] = [];
  let changes = 0;
  const challengers = createChallengers({
    behaviour: createBehaviour(defaultBehaviour, 0),
    figures: noFigures(),
    clock: systemClock,
    facts: async () => undefined,
    after: (_ms, act) => void waiting.push(act),
    changed: () => {
      changes += 1;
    },
  });
  const run = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    for (let act = waiting.shift(); act !== undefined; act = waiting.shift()) act();
  };
  return { challengers, run, changes: () => changes };
}

test('a challenger is pulled, runs, and is gone when it is taken away', async () => {
  const { challengers, run, changes } = open();
  challengers.want(experiment('one', first));
  expect(challengers.reported()).toEqual({ id: 'one', arms: [{ release: first, state: 'pulling' }] });
  expect(challengers.experiment()).toBeUndefined();
  await run();
  expect(challengers.reported()?.arms).toEqual([{ release: first, state: 'running' }]);
  expect(challengers.experiment()).toMatchObject({ id: 'one', isShadow: false, arms: [{ release: first, share: 0.5 }] });
  challengers.want({ ...experiment('one', first), arms: [{ release: first, share: 0.1, artefacts: {} }] });
  expect(challengers.experiment()?.arms).toMatchObject([{ share: 0.1 }]);
  expect(changes()).toBe(1);
  challengers.want(undefined);
  expect(challengers.reported()).toBeUndefined();
});

test('what comes of an experiment that is over changes nothing', async () => {
  const { challengers, run, changes } = open();
  challengers.want(experiment('one', first));
  challengers.want(experiment('two', second));
  await run();
  expect(challengers.reported()).toEqual({ id: 'two', arms: [{ release: second, state: 'running' }] });
  expect(changes()).toBe(1);
});
