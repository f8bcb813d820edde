import { type ExperimentAssignment, StarlingError } from '@starling/shared';
import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { createBehaviour, defaultBehaviour } from './behaviour.ts';
import { createChallengers } from './challengers.ts';
import { noFigures } from './messages.ts';
import type { PullRelease } from './pull-release.ts';

const [first, second] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];
const experiment = (id: string, release: string): ExperimentAssignment => ({
  ...{ id, mode: 'split', key: 'item' },
  arms: [{ release, share: 0.5, artefacts: {} }],
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits are left out once the queue is run. */
function open(pull?: PullRelease) {
  const waiting: { ms: number; act: () => void }[] = [];
  let changes = 0;
  const figures = noFigures();
  const challengers = createChallengers({
    behaviour: createBehaviour(defaultBehaviour, 0),
    figures,
    pull,
    clock: systemClock,
    facts: async () => undefined,
    after: (ms, act) => void waiting.push({ ms, act }),
    changed: () => {
      changes += 1;
    },
  });
  const run = async (): Promise<void> => {
    await turn();
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next.act();
  };
  return { challengers, run, waiting, figures, changes: () => changes };
}

test('a challenger is pulled, runs, and is gone when it is taken away', async () => {
  const { challengers, run, changes } = open();
  challengers.want(experiment('one', first));
  expect(challengers.reported()).toEqual({ id: 'one', arms: [{ release: first, state: 'waiting' }] });
  await turn();
  expect(challengers.reported()?.arms).toEqual([{ release: first, state: 'pulling' }]);
  expect(challengers.experiment()).toBeUndefined();
  await run();
  expect(challengers.reported()?.arms).toEqual([{ release: first, state: 'running' }]);
  expect(challengers.experiment()).toMatchObject({ id: 'one', isShadow: false, arms: [{ release: first, share: 0.5 }] });
  challengers.want({ ...experiment('one', first), arms: [{ release: first, share: 0.1, artefacts: {} }] });
  expect(challengers.experiment()?.arms).toMatchObject([{ share: 0.1 }]);
  expect(changes()).toBe(2);
  challengers.want(undefined);
  expect(challengers.reported()).toBeUndefined();
});

test('what comes of an experiment that is over changes nothing', async () => {
  const { challengers, run, changes } = open();
  challengers.want(experiment('one', first));
  challengers.want(experiment('two', second));
  await run();
  expect(challengers.reported()).toEqual({ id: 'two', arms: [{ release: second, state: 'running' }] });
  expect(changes()).toBe(2);
});

test('one that cannot be pulled is tried again after a while, and in the next session, one after the other', async () => {
  let missing = true;
  const pulls: string[] = [];
  const { challengers, run, waiting, figures } = open(async ({ release }) => {
    pulls.push(release);
    if (missing && release === first) throw new StarlingError('chunk-missing', 'it is not there', { retryable: true });
  });
  const arm = (release: string) => ({ release, share: 0.5, artefacts: {} });
  challengers.want({ ...experiment('one', first), arms: [arm(first), arm(second)] });
  await turn();
  expect(pulls).toEqual([first, second]);
  expect(challengers.reported()?.arms).toMatchObject([{ state: 'waiting', problem: { code: 'chunk-missing' } }, { state: 'pulling' }]);
  expect(waiting[0]?.ms).toBe(2_000);
  await run();
  await turn();
  expect(waiting.map(({ ms }) => ms)).toEqual([4_000]);
  missing = false;
  challengers.online();
  await run();
  await run();
  expect(challengers.reported()?.arms).toEqual([first, second].map((release) => ({ release, state: 'running' })));
  expect(figures).toMatchObject({ pulling: 0, pulled: 2, pullsRetried: 1, pullsGivenUp: 0, problems: { 'chunk-missing': 2 } });
});
