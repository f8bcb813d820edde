/** Artefacts and devices as the tests of choosing know them. */
import { loadProfiles } from '@starling/device-profiles';
import { type ArtefactView, type BuildRecipeInput, buildRecipeSchema, type Objective, objectiveSchema } from '@starling/shared';
import { expect } from 'vitest';
import { type ChoiceDevice, createChooser } from './choose-artefact.ts';
import type { Measurement } from './figures.ts';

export const profiles = new Map(loadProfiles().map((profile) => [profile.name, profile]));

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
export function artefact({
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

export const source = artefact({ name: 'a', recipe: { method: 'source' }, sizeBytes: 4_000_000 });
export const weights = artefact({ name: 'b', recipe: { method: 'weights-int8' }, sizeBytes: 1_000_000, precision: 'int8', lossHigh: 0.1 });
export const vnni = artefact({
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
export const all = [source, weights, vnni, arm];

export function device(profileName: string, architecture: string, isa: string[], more: Partial<ChoiceDevice> = {}): ChoiceDevice {
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
export const server = device('x86-64-avx512-vnni', 'x64', ['avx2', 'avx512_vnni']);
export const oldPc = device('x86-64', 'x64', ['avx2']);
export const pi = device('raspberry-pi-5', 'arm64', ['asimddp']);

export const measured = (latencyMs: number, more: Partial<Measurement> = {}): Measurement => ({
  latencyMs,
  latencyMsP95: latencyMs * 1.2,
  joulesPerInference: null,
  memoryBytes: 20_000_000,
  devices: 1,
  ...more,
});
export function chosen(candidates: ArtefactView[], on: ChoiceDevice, objective: Partial<Objective> = {}): string | undefined {
  const parsed = objectiveSchema.parse(objective);
  const { winner } = createChooser({ candidates, objective: parsed }).choose(on);
  return winner === undefined ? undefined : candidates[winner]?.digest.replaceAll('0', '');
}
