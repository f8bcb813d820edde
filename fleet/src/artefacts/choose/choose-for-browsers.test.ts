import { readFileSync } from 'node:fs';
import { matchProfile } from '@starling/device-profiles';
import { type ArtefactView, capabilitiesSchema } from '@starling/shared';
import { describe, expect, it } from 'vitest';
import { type ChoiceDevice, createChooser } from './choose-artefact.ts';
import { artefact, chosen, measured, oldPc, profiles } from './example-candidates.ts';

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
