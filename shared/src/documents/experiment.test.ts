import { describe, expect, test } from 'vitest';
import { type ExperimentSpecInput, experimentSpecSchema, goalOf } from './experiment.ts';

const split: ExperimentSpecInput = {
  name: 'signs',
  selector: 'true',
  mode: 'split',
  challengers: [{ release: 'signs-2', percent: 10 }],
};
const problemsOf = (changes: Record<string, unknown>): string[] =>
  (experimentSpecSchema.safeParse({ ...split, ...changes }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );

describe('what an experiment says', () => {
  test('has defaults, and a goal that follows from its mode', () => {
    expect(experimentSpecSchema.parse(split)).toMatchObject({ key: 'item', confidence: 0.95, start: true, stop: { after: '14d' } });
    expect(goalOf(experimentSpecSchema.parse(split))).toMatchObject({ measure: 'error-rate', better: 'lower' });
    expect(goalOf(experimentSpecSchema.parse({ ...split, mode: 'bandit', challengers: [{ release: 'b' }] })).measure).toBe('reward');
    expect(goalOf(experimentSpecSchema.parse({ ...split, mode: 'shadow', challengers: [{ release: 'b' }] })).measure).toBe('agreement');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a split without shares', { challengers: [{ release: 'b' }] }, 'challengers.0.percent: a split says how much each challenger gets'],
    ['a shadow that answers', { mode: 'shadow' }, 'challengers.0.percent: a shadow answers nothing'],
    [
      'nothing for the champion',
      {
        challengers: [
          { release: 'b', percent: 60 },
          { release: 'c', percent: 40 },
        ],
      },
      'challengers: challengers get 100 %',
    ],
    [
      'one twice',
      {
        challengers: [
          { release: 'b', percent: 1 },
          { release: 'b', percent: 2 },
        ],
      },
      'challengers.1.release: "b" is a challenger already',
    ],
    ['itself', { champion: 'signs-2' }, 'challengers.0.release: "signs-2" is the champion: another release challenges it'],
    ['bounds of a shadow elsewhere', { shadow: { share: 1 } }, 'shadow: means nothing with "mode: split"'],
    [
      'floors above one',
      { mode: 'bandit', challengers: [{ release: 'b' }, { release: 'c' }], bandit: { floor: 0.4 } },
      'bandit.floor: 3 arms',
    ],
    ['agreement of a split', { goal: { measure: 'agreement' } }, 'goal.measure: only a shadow'],
    ['rewards of a shadow', { mode: 'shadow', challengers: [{ release: 'b' }], goal: { measure: 'reward' } }, 'goal.measure: nobody sees'],
    ['labels that are neither', { goal: { measure: 'reward', labels: { kept: 2 } } }, 'goal.labels: with "values: binary"'],
  ])('refuses %s', (_what, changes, problem) => expect(problemsOf(changes).join('\n')).toContain(problem));
});
