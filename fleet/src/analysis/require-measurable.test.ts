import { analysisSpecSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { requireMeasurable } from './require-measurable.ts';

const steady = { name: 'errors', measure: 'error-rate', atMost: '5 %' };
const specOf = (objective: object) => analysisSpecSchema.parse({ objectives: [steady, objective] });

test('what can be measured passes as it is', () => {
  const spec = specOf({ name: 'right', measure: 'accuracy', atLeast: '95 %', labels: { kept: 1, returned: 0 } });
  expect(requireMeasurable(spec)).toBe(spec);
});

test.each([
  ['agreement', { name: 'same', measure: 'agreement', atLeast: '95 %' }, 'objectives.1.measure', /mode: shadow/],
  ['agreement that gates nothing', { name: 'same', measure: 'agreement', atLeast: '95 %', dryRun: true }, 'objectives.1.measure', /shadow/],
  [
    'accuracy of one pipeline',
    { name: 'right', measure: 'accuracy', atLeast: '95 %', pipeline: 'signs' },
    'objectives.1.pipeline',
    /whole/,
  ],
])('%s is refused, with what to do instead', (_what, objective, field, hint) => {
  expect(() => requireMeasurable(specOf(objective))).toThrowError(
    expect.objectContaining({ code: 'not-measurable', field, hint: expect.stringMatching(hint) }),
  );
});
