import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DeviceProfile, deviceProfileSchema, energyOfWindow, type PowerModel, powerModelSchema, wattsAt } from './device-profile.ts';

const profile: DeviceProfile = {
  schemaVersion: 1,
  name: 'board',
  title: 'Board',
  description: '',
  architecture: 'arm64',
  match: { environment: 'node', deviceTree: 'board' },
  executionProviders: ['cuda', 'cpu'],
  acceleratedPrecisions: ['int8', 'fp32'],
  memoryBudgetBytes: 1_000_000,
  powerModel: { idleWatts: 2, maximumWatts: 10, curve: [[0.5, 7]], source: 'a data sheet' },
  energySensors: [],
  sources: [{ fields: ['powerModel'], citation: 'a data sheet' }],
};

/** Ascending points between 0 and 1, with watts that never fall. */
const models: fc.Arbitrary<PowerModel> = fc
  .record({
    idleWatts: fc.double({ min: 0.1, max: 50, noNaN: true }),
    steps: fc.array(fc.tuple(fc.integer({ min: 1, max: 999 }), fc.double({ min: 0, max: 20, noNaN: true })), { maxLength: 8 }),
    rise: fc.double({ min: 0, max: 50, noNaN: true }),
  })
  .map(({ idleWatts, steps, rise }) => {
    const ascending = [...new Map(steps)].sort(([a], [b]) => a - b);
    let watts = idleWatts;
    const curve = ascending.map(([thousandths, step]): [number, number] => {
      watts += step;
      return [thousandths / 1000, watts];
    });
    return { idleWatts, maximumWatts: watts + rise, curve, source: 'arbitrary' };
  });

describe('power', () => {
  test('never falls with utilisation and stays between idle and maximum', () => {
    const utilisations = fc.double({ min: -1, max: 2, noNaN: true });
    fc.assert(
      fc.property(models, utilisations, utilisations, (model, one, other) => {
        expect(powerModelSchema.safeParse(model).success).toBe(true);
        const [lower, higher] = [wattsAt(model, Math.min(one, other)), wattsAt(model, Math.max(one, other))];
        const rounding = 1e-9 * model.maximumWatts;
        expect(lower).toBeLessThanOrEqual(higher + rounding);
        expect(lower).toBeGreaterThanOrEqual(model.idleWatts - rounding);
        expect(higher).toBeLessThanOrEqual(model.maximumWatts + rounding);
      }),
    );
  });

  test('meets idle, every point of the curve and the maximum', () => {
    fc.assert(
      fc.property(models, (model) => {
        expect(wattsAt(model, 0)).toBeCloseTo(model.idleWatts, 9);
        expect(wattsAt(model, 1)).toBeCloseTo(model.maximumWatts, 9);
        for (const [utilisation, watts] of model.curve ?? []) expect(wattsAt(model, utilisation)).toBeCloseTo(watts, 9);
      }),
    );
  });

  test('is linear without a curve', () => {
    const { curve: _curve, ...linear } = profile.powerModel;
    expect(wattsAt(linear, 0.25)).toBe(4);
    expect(wattsAt(profile.powerModel, 0.25)).toBe(4.5);
  });

  test('energy is power times time, told beside what idling takes', () => {
    expect(energyOfWindow(profile.powerModel, 0.5, 60)).toEqual({ joules: 420, idleJoules: 120 });
    expect(energyOfWindow(profile.powerModel, 0.5, 0)).toEqual({ joules: 0, idleJoules: 0 });
  });
});

describe('a profile is refused, and the field named, when', () => {
  const power = profile.powerModel;
  const mistakes: [string, string, Partial<Record<keyof DeviceProfile, unknown>>][] = [
    ['idle is over the maximum', 'powerModel.maximumWatts', { powerModel: { idleWatts: 9, maximumWatts: 8, source: 'x' } }],
    [
      'the curve falls',
      'powerModel.curve.1',
      {
        powerModel: {
          ...power,
          curve: [
            [0.4, 7],
            [0.5, 6],
          ],
        },
      },
    ],
    [
      'the curve goes back',
      'powerModel.curve.1',
      {
        powerModel: {
          ...power,
          curve: [
            [0.5, 6],
            [0.4, 7],
          ],
        },
      },
    ],
    ['the curve goes over the maximum', 'powerModel.maximumWatts', { powerModel: { ...power, curve: [[0.5, 11]] } }],
    ['power has no source', 'powerModel.source', { powerModel: { idleWatts: 1, maximumWatts: 2 } }],
    ['fp32 is not the last precision', 'acceleratedPrecisions', { acceleratedPrecisions: ['fp32', 'int8'] }],
    ['a precision stands twice', 'acceleratedPrecisions', { acceleratedPrecisions: ['int8', 'int8', 'fp32'] }],
    ['a provider stands twice', 'executionProviders', { executionProviders: ['cpu', 'cpu'] }],
    ['an expression does not compile', 'match.deviceTree', { match: { environment: 'node', deviceTree: '(' } }],
    ['a rule is misspelt', 'match', { match: { environment: 'node', devicetree: 'x' } }],
    ['the memory range is empty', 'match.memoryBytes', { match: { environment: 'node', memoryBytes: { minimum: 2, maximum: 1 } } }],
    ['a feature is required and forbidden', 'match.isaAbsent', { match: { environment: 'node', isa: ['a'], isaAbsent: ['a'] } }],
    ['there is no source', 'sources', { sources: [] }],
    ['the name is no topic segment', 'name', { name: 'Raspberry Pi' }],
  ];
  test.each(mistakes)('%s', (_, field, change) => {
    expect(deviceProfileSchema.safeParse(profile).success).toBe(true);
    const result = deviceProfileSchema.safeParse({ ...profile, ...change });
    expect(result.error?.issues.map(({ path }) => path.join('.'))).toContain(field);
  });
});
