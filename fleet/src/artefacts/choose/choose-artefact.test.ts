import { readFileSync } from 'node:fs';
import { loadProfiles, matchProfile } from '@starling/device-profiles';
import {
  type ArtefactView,
  type BuildRecipeInput,
  buildRecipeSchema,
  capabilitiesSchema,
  type Objective,
  objectiveSchema,
} from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChoiceDevice, createChooser } from './choose-artefact.ts';
import { explainChoice } from './explain-choice.ts';
import type { Measurement } from './figures.ts';

const profiles = new Map(loadProfiles().map((profile) => [profile.name, profile]));

interface Given {
  name: string;
  recipe: BuildRecipeInput;
  sizeBytes: number;
  precision?: ArtefactView['precision'];
  lossHigh?: number;
  maximumError?: number;
  opset?: number;
  executionProviders?: string[];
}

/** An artefact as the catalogue shows it. */
function artefact({
  name,
  recipe,
  sizeBytes,
  precision = 'fp32',
  lossHigh,
  maximumError = 0,
  opset = 17,
  executionProviders = ['cpu', 'wasm'],
}: Given): ArtefactView {
  const digest = name.padEnd(64, '0');
  const interval = (value: number) => ({ value, low: value, high: value });
  const loss = lossHigh === undefined ? undefined : { value: lossHigh - 0.2, low: lossHigh - 0.4, high: lossHigh };
  const accuracy =
    loss === undefined
      ? {}
      : {
          accuracy: {
            metric: 'accuracy' as const,
            unit: '%',
            samples: 500,
            source: interval(98),
            artefact: interval(98),
            lossPoints: loss,
          },
        };
  return {
    digest,
    precision,
    optimisation: recipe.method,
    executionProviders,
    sizeBytes,
    createdAtMs: 0,
    report: { compressionRatio: 1, maximumError, quantisedTensors: 0, buildMs: 0, ...accuracy },
    document: {
      kind: 'artefact',
      schemaVersion: 1,
      critical: [],
      fleetId: 'f',
      model: 'digits',
      modelVersion: '1.0.0',
      sourceDigest: '0'.repeat(64),
      precision,
      optimisation: recipe.method,
      executionProviders,
      needs: { opset, operators: ['Conv'] },
      provenance: { recipe: buildRecipeSchema.parse(recipe), tools: {}, keptInFloat: [], builtAtMs: 0 },
      blob: { digest, sizeBytes, manifest: digest },
    },
  };
}

const source = artefact({ name: 'a', recipe: { method: 'source' }, sizeBytes: 4_000_000 });
const weights = artefact({ name: 'b', recipe: { method: 'weights-int8' }, sizeBytes: 1_000_000, precision: 'int8', lossHigh: 0.1 });
const vnni = artefact({
  name: 'c',
  recipe: { method: 'static-int8', target: 'x86-vnni' },
  sizeBytes: 1_100_000,
  precision: 'int8',
  lossHigh: 0.6,
});
const arm = artefact({
  name: 'd',
  recipe: { method: 'static-int8', target: 'arm' },
  sizeBytes: 1_100_000,
  precision: 'int8',
  lossHigh: 0.6,
});
const all = [source, weights, vnni, arm];

function device(profileName: string, architecture: string, isa: string[], more: Partial<ChoiceDevice> = {}): ChoiceDevice {
  const profile = profiles.get(profileName);
  if (profile === undefined) expect.fail(`no profile ${profileName}`);
  return {
    profile,
    capabilities: {
      architecture,
      cpu: { vendor: '', model: '', cores: 4, isa, virtualised: false },
      executionProviders: [{ name: 'cpu', ran: true }],
      runtimeVersions: { onnxruntime: '1.30.0' },
    },
    ...more,
  };
}
const server = device('x86-64-avx512-vnni', 'x64', ['avx2', 'avx512_vnni']);
const oldPc = device('x86-64', 'x64', ['avx2']);
const pi = device('raspberry-pi-5', 'arm64', ['asimddp']);

const measured = (latencyMs: number, more: Partial<Measurement> = {}): Measurement => ({
  latencyMs,
  latencyMsP95: latencyMs * 1.2,
  joulesPerInference: null,
  memoryBytes: 20_000_000,
  devices: 1,
  ...more,
});
function chosen(candidates: ArtefactView[], on: ChoiceDevice, objective: Partial<Objective> = {}): string | undefined {
  const parsed = objectiveSchema.parse(objective);
  const { winner } = createChooser({ candidates, objective: parsed }).choose(on);
  return winner === undefined ? undefined : candidates[winner]?.digest.replaceAll('0', '');
}

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

describe('browsers', () => {
  const everywhere = ['webgpu', 'cpu', 'wasm'];
  const size = { source: 4_000_000, int8: 1_000_000, half: 2_000_000 };
  /** What a fleet builds of one model, on the providers that `build/methods.ts` gives each. */
  const built = {
    source: artefact({ name: '1', recipe: { method: 'source' }, sizeBytes: size.source, executionProviders: everywhere }),
    weights: artefact({
      ...{ name: '2', recipe: { method: 'weights-int8' }, sizeBytes: size.int8 + 1, precision: 'int8', lossHigh: 0.1 },
      executionProviders: everywhere,
    }),
    half: artefact({
      ...{ name: '3', recipe: { method: 'fp16' }, sizeBytes: size.half, precision: 'fp16', lossHigh: 0.1 },
      executionProviders: ['webgpu', 'cpu'],
    }),
    // Smaller than all others, so that a tie would give it to the browser.
    still: artefact({
      ...{ name: '4', recipe: { method: 'static-int8' }, sizeBytes: size.int8, precision: 'int8', lossHigh: 0.1 },
      executionProviders: everywhere,
    }),
    dynamic: artefact({
      ...{ name: '5', recipe: { method: 'dynamic-int8' }, sizeBytes: size.int8, precision: 'int8', lossHigh: 0.1 },
      executionProviders: everywhere,
    }),
    vnni: artefact({
      ...{ name: '6', recipe: { method: 'static-int8', target: 'x86-vnni' }, sizeBytes: size.int8, precision: 'int8', lossHigh: 0.1 },
      executionProviders: everywhere,
    }),
  } satisfies Record<string, ArtefactView>;
  const candidates = Object.values(built);
  const named = (digest: string | undefined): string | undefined =>
    Object.entries(built).find(([, { digest: own }]) => own === digest?.padEnd(64, '0'))?.[0];

  function browser(recording: string, more: Partial<ChoiceDevice> = {}): ChoiceDevice {
    const file = new URL(`../../../../device-profiles/recordings/browser-${recording}.json`, import.meta.url);
    const capabilities = capabilitiesSchema.parse(JSON.parse(readFileSync(file, 'utf8')).capabilities);
    const profile = profiles.get(matchProfile(capabilities, [...profiles.values()]).profile);
    return { profile: profile ?? expect.unreachable(), capabilities, ...more };
  }
  const recordings = [
    ...['chrome-android', 'chrome-lost-adapter', 'chrome-windows', 'chromium-swiftshader'],
    ...['firefox-android', 'safari-17', 'safari-iphone'],
  ];

  it.each([
    ['chrome-android', 'half'],
    ['chrome-windows', 'half'],
    ['safari-iphone', 'half'],
    ['chromium-swiftshader', 'weights'],
    ['chrome-lost-adapter', 'weights'],
    ['firefox-android', 'weights'],
    ['safari-17', 'weights'],
  ])(
    '%s gets %s before anything is measured: a quarter of the bytes at the speed of fp32, or half precision on its adapter',
    (recording, name) => {
      expect(named(chosen(candidates, browser(recording)))).toBe(name);
    },
  );

  it.each(recordings)('%s gets no int8 arithmetic on an estimate, whatever was measured of the rest', (recording) => {
    for (const minimise of ['latency', 'energy'] as const) {
      for (const known of [built.source, built.weights]) {
        const measuredHere = new Map([[known.digest, measured(54, { joulesPerInference: 0.4 })]]);
        const name = named(chosen(candidates, browser(recording, { measuredHere }), { minimise }));
        expect(['source', 'weights', 'half']).toContain(name);
      }
    }
  });

  it('take int8 arithmetic where it was measured to be faster', () => {
    const measuredHere = new Map([
      [built.source.digest, measured(54)],
      [built.weights.digest, measured(54)],
      [built.still.digest, measured(40)],
    ]);
    expect(named(chosen(candidates, browser('firefox-android', { measuredHere })))).toBe('still');
  });

  it.each([
    ['firefox-android', 'runs on webgpu, cpu; this device offers wasm'],
    ['chrome-lost-adapter', 'runs on webgpu, cpu; this device offers wasm'],
    ['chromium-swiftshader', 'needs shader-f16, which the graphics adapter of this browser lacks'],
  ])('%s cannot run fp16: it %s', (recording, reason) => {
    expect(createChooser({ candidates }).choose(browser(recording)).refusals[2]).toBe(reason);
    // Not for want of anything else either.
    expect(chosen([built.half], browser(recording), { minimise: 'size' })).toBeUndefined();
  });

  it('never get what keeps its weights in a file of its own, which devices of other kinds do get', () => {
    const weights = { digest: '9'.repeat(64), sizeBytes: 3e9, manifest: '8'.repeat(64) };
    const large = { ...built.source, document: { ...built.source.document, weights } };
    for (const recording of recordings)
      expect(createChooser({ candidates: [large] }).choose(browser(recording)).refusals[0]).toContain('weights in a file of their own');
    expect(chosen([large], oldPc)).toBe('1');
  });

  it('never get what is shaped for one processor', () => {
    for (const recording of recordings) expect(createChooser({ candidates }).choose(browser(recording)).refusals[5]).toContain('VNNI');
  });

  it('are told apart by shader-f16 within one profile', () => {
    const chooser = createChooser({ candidates });
    const able = browser('chrome-windows');
    const unable = { ...able, capabilities: { ...able.capabilities, cpu: { ...able.capabilities.cpu, isa: ['simd128', 'threads'] } } };
    expect(chooser.choose(able).refusals[2]).toBeUndefined();
    expect(chooser.choose(unable).refusals[2]).toContain('shader-f16');
  });
});
