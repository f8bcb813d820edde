import { objectiveSchema } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldsOf, objectiveFromForm } from './objective-from-form.ts';

const limits = fc.record(
  {
    latencyMsP95Maximum: fc.integer({ min: 1, max: 9999 }),
    joulesPerInferenceMaximum: fc.integer({ min: 1, max: 9999 }).map((millijoules) => millijoules / 1000),
    memoryBytesMaximum: fc.integer({ min: 1, max: 2 ** 40 }),
    sizeBytesMaximum: fc.integer({ min: 1, max: 2 ** 40 }),
    costPer1000Maximum: fc.integer({ min: 1, max: 9999 }).map((cents) => cents / 100),
  },
  { requiredKeys: [] },
);

test('an objective comes back from the form as it went in', () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 0, max: 100 }), (some, accuracyLossPointsMaximum) => {
      const objective = objectiveSchema.parse({ minimise: 'energy', accuracyLossPointsMaximum, ...some });
      expect(objectiveFromForm(fieldsOf(objective))).toEqual(objective);
    }),
  );
});

test.each([{ loss: 'much' }, { p95: '0' }, { millijoules: '-1' }, { minimise: 'noise' }])(
  'what makes no sense is no objective: %o',
  (change) => {
    expect(objectiveFromForm({ ...fieldsOf(objectiveSchema.parse({})), ...change })).toBeUndefined();
  },
);
