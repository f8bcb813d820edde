import { rolloutSpecSchema } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { specText } from '../../format/typed-value.ts';
import { rolloutLabel } from './rollout-labels.ts';
import { emptyFields, problemsOf, type RolloutFields, specFromForm } from './spec-from-form.ts';

const filled: RolloutFields = { ...emptyFields, name: 'signs', release: 'signs-2', selector: 'labels.site == "north"' };

describe('a rollout from the form', () => {
  test('is one as soon as it has a name, a release and devices', () => {
    expect(problemsOf(specFromForm(filled)).size).toBe(0);
    expect(rolloutSpecSchema.parse(specFromForm(filled))).toMatchObject({
      steps: [{ setPercent: 10 }, { pause: { for: '30m' } }, { setPercent: 100 }],
      failureThresholds: [{ kind: 'any', percent: 20, minimumExecuted: 5 }],
    });
  });

  test('has limits and windows where they are given, and none where not', () => {
    expect(specFromForm(filled)).not.toHaveProperty('windows');
    const spec = specFromForm({
      ...filled,
      ...{ perMinute: '30', megabytesPerMinute: '100', spreadMaximum: '4', windowCron: '0 1 * * *', timeZone: 'Europe/Berlin' },
      steps: [
        { key: 1, kind: 'setLabel', value: 'ring=first=one' },
        { key: 2, kind: 'approve', value: '2' },
        { key: 3, kind: 'pause', value: ' ' },
        { key: 4, kind: 'setCount', value: '7' },
      ],
    });
    expect(problemsOf(spec).size).toBe(0);
    expect(spec).toMatchObject({
      rate: { perMinute: 30 },
      bandwidthBytesPerMinute: 100_000_000,
      spread: { label: 'site', maxInFlight: 4 },
      windows: { timeZone: 'Europe/Berlin', open: [{ cron: '0 1 * * *', for: '4h' }] },
      steps: [{ setLabel: { ring: 'first=one' } }, { approve: 2 }, { pause: {} }, { setCount: 7 }],
    });
  });

  test.each<[Partial<RolloutFields>, RegExp]>([
    [{ name: 'Not a name' }, /^name$/],
    [{ release: '' }, /^release$/],
    [{ successPercent: 'all' }, /^successPercent$/],
    [{ steps: [{ key: 1, kind: 'setPercent', value: '' }] }, /^steps\.0/],
    [{ steps: [{ key: 1, kind: 'approve', value: '0' }] }, /^steps\.0/],
    [{ deviceTimeout: 'soon' }, /^deviceTimeout$/],
  ])('with %o is told what is wrong, and where', (change, field) => {
    expect([...problemsOf(specFromForm({ ...filled, ...change })).keys()]).toEqual([expect.stringMatching(field)]);
  });

  test('is told all that is wrong at once, each by the label of its field', () => {
    const problems = problemsOf(specFromForm({ ...emptyFields, successPercent: 'all', steps: [{ key: 1, kind: 'approve', value: '' }] }));
    const wrong = [...problems].map(([field, message]) => [rolloutLabel(field), message]);
    expect(wrong.map(([label]) => label).sort()).toEqual(['Devices', 'Name', 'Release', 'Step 1', 'Success of a wave, percent']);
    expect(wrong).toContainEqual(['Devices', 'This is missing']);
  });

  test('is the same in YAML', () => {
    const spec = specFromForm(filled);
    expect(parse(specText(spec))).toEqual(spec);
  });
});
