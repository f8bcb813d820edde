import { experimentSpecSchema } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { specText } from '../../format/typed-value.ts';
import { type ExperimentFields, emptyFields, problemsOf, specFromForm } from './spec-from-form.ts';

const filled: ExperimentFields = {
  ...{ ...emptyFields, name: 'signs', selector: 'labels.site == "north"' },
  challengers: [{ key: 1, release: 'signs-2', percent: '10' }],
};

describe('an experiment from the form', () => {
  test('is one as soon as it has a name, devices and a challenger, and has the defaults of the schema', () => {
    const { name, selector, mode, challengers } = specFromForm(filled);
    const { goal, ...spec } = experimentSpecSchema.parse(specFromForm(filled));
    const { goal: own, ...rest } = experimentSpecSchema.parse({ name, selector, mode, challengers });
    expect(spec).toEqual(rest);
    expect(goal).toEqual({ ...own, measure: 'error-rate' });
  });

  test('says of each mode what belongs to it, and nothing of the others', () => {
    const typed = { atLeast: '0.98', labels: 'kept=1, returned=0', maxJoulesPerHour: '500' };
    const shadow = specFromForm({ ...filled, ...typed, mode: 'shadow' });
    expect(experimentSpecSchema.parse(shadow)).toMatchObject({
      challengers: [{ release: 'signs-2' }],
      shadow: { share: 1, maxCpuShare: 0.25, maxJoulesPerHour: 500 },
      goal: { measure: 'agreement', atLeast: 0.98 },
    });
    const bandit = specFromForm({ ...filled, ...typed, mode: 'bandit' });
    expect(experimentSpecSchema.parse(bandit)).toMatchObject({
      bandit: { floor: 0.05, update: '10m', minimumOutcomes: 20 },
      goal: { measure: 'reward', labels: { kept: 1, returned: 0 } },
    });
    expect(bandit).not.toHaveProperty('shadow');
    expect(bandit.goal).not.toHaveProperty('atLeast');
  });

  test.each<[Partial<ExperimentFields>, string, RegExp]>([
    [{ name: '' }, 'name', /missing/],
    [{ name: 'Not a name' }, 'name', /./],
    [{ selector: ' ' }, 'selector', /missing/],
    [{ challengers: [{ key: 1, release: '', percent: '10' }] }, 'challengers.0.release', /missing/],
    [{ challengers: [{ key: 1, release: 'a', percent: 'half' }] }, 'challengers.0.percent', /number/],
    [{ challengers: [1, 2].map((key) => ({ key, release: 'a', percent: '10' })) }, 'challengers.1.release', /already/],
    [{ challengers: ['a', 'b'].map((release, key) => ({ key, release, percent: '50' })) }, 'challengers', /100 %/],
    [{ mode: 'bandit', floor: '0.6' }, 'bandit.floor', /0\.5/],
    [{ mode: 'bandit', labels: 'kept' }, 'goal.labels.kept', /number/],
    [{ confidence: '95' }, 'confidence', /0\.9999/],
    [{ after: 'soon' }, 'stop.after', /./],
  ])('with %o is told what is wrong, and where', (change, field, message) => {
    expect(problemsOf(specFromForm({ ...filled, ...change })).get(field)).toMatch(message);
  });

  test('tells all that is wrong at once', () => {
    expect([...problemsOf(specFromForm({ ...emptyFields, confidence: '2' })).keys()].sort()).toEqual([
      'challengers.0.release',
      'confidence',
      'name',
      'selector',
    ]);
  });

  test('is the same in YAML', () => {
    const spec = specFromForm(filled);
    expect(parse(specText(spec))).toEqual(spec);
  });
});
