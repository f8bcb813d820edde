import { type ArtefactView, objectiveSchema } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChoiceDevice, createChooser } from './choose-artefact.ts';
import { all, artefact, chosen, measured, oldPc, pi, server, source, vnni, weights } from './example-candidates.ts';
import { explainChoice } from './explain-choice.ts';

describe('what cannot run is out', () => {
  it('by the instructions that an artefact is shaped for', () => {
    expect(chosen(all, server)).toBe('c');
    // VNNI kernels of full range saturate without VNNI; Arm ones are not for x86.
    expect(chosen(all, oldPc)).toBe('b');
    expect(chosen(all, pi)).toBe('d');
  });

  it('by opset, provider and what the device itself refused', () => {
    const future = artefact({ name: 'e', recipe: { method: 'optimised' }, sizeBytes: 10, opset: 40 });
    const { refusals } = createChooser({ candidates: [future] }).choose(server);
    expect(refusals[0]).toContain('needs opset 40');
    expect(createChooser({ candidates: [source], requiredProviders: ['cuda'] }).choose(server).winner).toBeUndefined();
    const refusedHere = new Map([[vnni.digest, 'an output is not a number']]);
    expect(chosen(all, { ...server, refusedHere })).toBe('b');
  });
});

describe('the measurement decides, not a rule', () => {
  it('takes fp32 where int8 was measured to be slower', () => {
    const measuredHere = new Map([
      [vnni.digest, measured(40)],
      [weights.digest, measured(22)],
      [source.digest, measured(20)],
    ]);
    expect(chosen(all, { ...server, measuredHere })).toBe('a');
  });

  it('takes medians of the profile where the device was not measured, and its own where it was', () => {
    const measuredOnProfiles = new Map([
      [
        'x86-64-avx512-vnni',
        new Map([
          [vnni.digest, measured(5)],
          [source.digest, measured(10)],
        ]),
      ],
    ]);
    const chooser = createChooser({ candidates: all, measuredOnProfiles });
    expect(chooser.choose(server).figures()[2]?.latencyMs).toEqual({ value: 5, origin: 'profile' });
    const slow = { ...server, measuredHere: new Map([[vnni.digest, measured(90)]]) };
    const figures = chooser.choose(slow).figures();
    expect(figures[2]?.latencyMs).toEqual({ value: 90, origin: 'this-device' });
    expect(figures[0]?.latencyMs?.origin).toBe('profile');
  });

  it('takes what nobody has judged only where something may be lost', () => {
    const unproven = artefact({ name: 'e', recipe: { method: 'weights-int8' }, sizeBytes: 900_000, precision: 'int8', maximumError: 0.14 });
    const measuredHere = new Map([
      [unproven.digest, measured(10)],
      [source.digest, measured(20)],
    ]);
    expect(chosen([source, unproven], { ...server, measuredHere })).toBe('e');
    const objective = objectiveSchema.parse({ accuracyLossPointsMaximum: 0 });
    const ranked = createChooser({ candidates: [source, unproven], objective }).choose({ ...server, measuredHere });
    const { choice } = explainChoice(ranked, [source, unproven], server);
    expect([choice?.artefact, choice?.meetsObjective]).toEqual([source.digest, true]);
    expect(choice?.candidates[1]?.verdict).toBe('its accuracy was not measured, and none may be lost');
  });

  it('labels what it works out as an estimate', () => {
    const measuredHere = new Map([[source.digest, measured(10)]]);
    const figures = createChooser({ candidates: all })
      .choose({ ...server, measuredHere })
      .figures();
    expect(figures[2]?.latencyMs).toEqual({ value: 6, origin: 'estimate' });
  });

  it('scales every estimate of an artefact from one measured artefact, and names it', () => {
    const measuredHere = new Map([[source.digest, measured(10, { latencyMsP95: 15, joulesPerInference: 0.2, memoryBytes: 30_000_000 })]]);
    const [own, int8, still] = createChooser({ candidates: all })
      .choose({ ...server, measuredHere })
      .figures();
    const estimate = (value: number) => ({ value: expect.closeTo(value), origin: 'estimate' });
    const estimatedFrom = { artefact: source.digest, origin: 'this-device' };
    expect(own).not.toHaveProperty('estimatedFrom');
    // Turned back into floats at load: as fast, as hungry and as large as the source, in all figures alike.
    expect(int8).toMatchObject({
      ...{ latencyMs: estimate(10), latencyMsP95: estimate(15), joulesPerInference: estimate(0.2), memoryBytes: estimate(30_000_000) },
      estimatedFrom,
    });
    // 0.6 of the time, and 2.9 MB less of weights.
    expect(still).toMatchObject({
      ...{ latencyMs: estimate(6), latencyMsP95: estimate(9), joulesPerInference: estimate(0.12), memoryBytes: estimate(27_100_000) },
      estimatedFrom,
    });
  });

  it('takes the source as the reference in whatever order the rows come', () => {
    const measuredHere = new Map([
      [vnni.digest, measured(9)],
      [source.digest, measured(10)],
    ]);
    for (const candidates of [all, all.toReversed()]) {
      const figures = createChooser({ candidates })
        .choose({ ...server, measuredHere })
        .figures();
      expect(figures[candidates.indexOf(weights)]?.latencyMs?.value).toBe(10);
    }
  });

  it('does not take an estimate for a measurement that is as good', () => {
    const measuredHere = new Map([[source.digest, measured(10)]]);
    const candidates = [source, weights];
    expect(chosen(candidates, { ...server, measuredHere })).toBe('a');
    expect(chosen(candidates, { ...server, measuredHere, current: weights.digest })).toBe('b');
  });
});

describe('objectives', () => {
  it('judge accuracy on the worse end of the interval', () => {
    expect(chosen(all, server, { accuracyLossPointsMaximum: 0.5 })).toBe('b');
  });

  it('minimise what they name', () => {
    expect(chosen(all, server, { minimise: 'size' })).toBe('b');
    const measuredHere = new Map([
      [source.digest, measured(10, { joulesPerInference: 0.1 })],
      [vnni.digest, measured(5, { joulesPerInference: 0.3 })],
      [weights.digest, measured(11, { joulesPerInference: 0.2 })],
    ]);
    expect(chosen(all, { ...server, measuredHere }, { minimise: 'energy' })).toBe('a');
  });

  it('that nothing meets give the nearest, and say so', () => {
    const measuredHere = new Map(all.map((each, place) => [each.digest, measured(100 + place)]));
    const on = { ...server, measuredHere };
    const objective = objectiveSchema.parse({ latencyMsP95Maximum: 80 });
    const ranked = createChooser({ candidates: all, objective }).choose(on);
    const { choice } = explainChoice(ranked, all, on);
    expect(choice?.meetsObjective).toBe(false);
    expect(choice?.reason).toContain('no artefact meets the objective, this is the nearest (p95 120.0 ms is over 80.0 ms)');
  });
});

describe('a choice is stable', () => {
  it('keeps what runs unless something is clearly better', () => {
    const measuredHere = new Map([
      [source.digest, measured(10)],
      [weights.digest, measured(9.7)],
    ]);
    const candidates = [source, weights];
    expect(chosen(candidates, { ...server, measuredHere })).toBe('b');
    expect(chosen(candidates, { ...server, measuredHere, current: source.digest })).toBe('a');
    const faster = new Map([...measuredHere, [weights.digest, measured(9)]]);
    expect(chosen(candidates, { ...server, measuredHere: faster, current: source.digest })).toBe('b');
  });

  it('does not depend on the order of the candidates, and is the same on repeat', () => {
    const latencies = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: all.length, maxLength: all.length });
    fc.assert(
      fc.property(latencies, fc.shuffledSubarray(all, { minLength: all.length }), (times, shuffled) => {
        const measuredHere = new Map(all.map((each, place) => [each.digest, measured(times[place] ?? 1)]));
        const on = { ...server, measuredHere };
        expect(chosen(shuffled, on)).toBe(chosen(all, on));
      }),
    );
  });

  it('never takes what cannot run or breaks a limit while something else is within all', () => {
    const loss = fc.array(fc.float({ min: 0, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(loss, (losses) => {
        const candidates = losses.map((lossHigh, place) =>
          artefact({ name: 'fgh'[place] ?? 'x', recipe: { method: 'static-int8' }, sizeBytes: 100 - place, precision: 'int8', lossHigh }),
        );
        const { winner, meetsObjective } = createChooser({ candidates }).choose(server);
        const within = losses.some((each) => each <= 1);
        expect(meetsObjective).toBe(within);
        if (within) expect(losses[winner ?? -1]).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('explanations', () => {
  it('give every candidate a verdict, the winner and the runner-up', () => {
    const { choice, candidates } = explainChoice(createChooser({ candidates: all }).choose(server), all, server);
    expect(choice?.reason).toContain('static-int8 on cpu');
    expect(choice?.fallbacks[0]).toBe(weights.digest);
    expect(candidates.map(({ verdict }) => verdict)).toEqual([
      expect.stringContaining('3rd by least latency'),
      expect.stringContaining('2nd by least latency'),
      'chosen, on an estimate: not measured yet (estimate by precision)',
      'is shaped for Arm, this device is x64',
    ]);
  });
});

describe('what was not measured', () => {
  const verdictsOn = (on: ChoiceDevice, candidates: ArtefactView[]) =>
    explainChoice(createChooser({ candidates }).choose(on), candidates, on).candidates.map(({ verdict }) => verdict);

  it('is said to be a guess, with the bytes as they are', () => {
    const light = { ...weights, report: { ...weights.report, compressionRatio: 0.39 } };
    const [, verdict] = verdictsOn(server, [source, light]);
    expect(verdict).toBe('chosen, on an estimate: not measured yet; taken to be as fast as fp32, at 39 % of its bytes');
  });

  it('names the measurement that it is estimated from; what was measured is not called a guess', () => {
    const on = { ...server, measuredHere: new Map([[source.digest, measured(67.8)]]) };
    expect(verdictsOn(on, [source, weights])).toEqual([
      'chosen',
      '2nd by least latency: 67.8 ms (not measured; estimated from source as measured here)',
    ]);
  });
});
