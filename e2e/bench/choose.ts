import { createHash } from 'node:crypto';
import { loadProfiles } from '@starling/device-profiles';
import { type ArtefactView, artefactSchema, buildRecipeSchema, objectiveSchema, type Precision, recipeLabel } from '@starling/shared';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type ChoiceDevice, createChooser, type Measurement } from '../../fleet/src/artefacts/index.ts';
import { type Measure, median, type Say } from './result.ts';

const DEVICES = 100_000;
const ROUNDS = 5;
const METHODS = ['source', 'optimised', 'weights-int8', 'fp16', 'static-int8'] as const;
const TARGETS = ['portable', 'x86-vnni', 'x86-avx2', 'arm'] as const;
const precisions: Readonly<Record<(typeof METHODS)[number], Precision>> = {
  source: 'fp32',
  optimised: 'fp32',
  'weights-int8': 'int8',
  fp16: 'fp16',
  'static-int8': 'int8',
};

/** Times how long it takes to choose for a whole fleet, every third device with measurements of its own, and compares two runs. */
export async function measureChoose(say: Say): Promise<Measure[]> {
  const candidates = METHODS.flatMap((method) => TARGETS.map((target) => artefact(method, target)));
  const devices = fleet(candidates);
  const objective = objectiveSchema.parse({ minimise: 'energy', latencyMsP95Maximum: 80 });
  const measuredOnProfiles = new Map(loadProfiles().map(({ name }, place) => [name, measurements(candidates, place)]));
  say(`${DEVICES} devices, ${candidates.length} artefacts`);

  const seconds: number[] = [];
  const digests = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    const chooser = createChooser({ candidates, objective, measuredOnProfiles });
    const winners = devices.map((device) => chooser.choose(device).winner ?? -1);
    seconds.push((performance.now() - startedMs) / 1000);
    digests.add(createHash('sha256').update(Int8Array.from(winners)).digest('hex'));
    say(`round ${round + 1}: ${seconds.at(-1)?.toFixed(2)} s, ${new Set(winners).size} different artefacts`);
  }
  return [
    { name: '100,000 devices x 20 artefacts', value: median(seconds), unit: 's', target: 2, better: 'lower' },
    { name: 'different outcomes of equal runs', value: digests.size - 1, unit: 'outcomes', target: 0, better: 'lower' },
  ];
}

function artefact(method: (typeof METHODS)[number], target: (typeof TARGETS)[number]): ArtefactView {
  const recipe = buildRecipeSchema.parse({ method, target });
  const digest = createHash('sha256').update(recipeLabel(recipe)).digest('hex');
  const sizeBytes = precisions[method] === 'int8' ? 1_200_000 : 4_700_000;
  const precision = precisions[method];
  const common = { precision, optimisation: recipeLabel(recipe), executionProviders: ['cpu', 'wasm', 'cuda'] };
  const loss = { value: 0.3, low: 0.1, high: method === 'static-int8' ? 0.8 : 0.1 };
  const full = { value: 98, low: 97, high: 99 };
  const document = artefactSchema.parse({
    ...{ kind: 'artefact', schemaVersion: 1, fleetId: 'bench', model: 'model', modelVersion: '1.0.0', sourceDigest: digest },
    ...common,
    needs: { opset: 17, operators: ['Conv'] },
    provenance: { recipe, tools: {}, builtAtMs: 0 },
    blob: { digest, sizeBytes, manifest: digest },
  });
  const accuracy = { metric: 'accuracy' as const, unit: '%', samples: 500, source: full, artefact: full, lossPoints: loss };
  const report = { compressionRatio: 1, maximumError: 0.01, quantisedTensors: 40, buildMs: 1, accuracy };
  return { digest, ...common, sizeBytes, report, createdAtMs: 0, document };
}

/** Devices of every profile that runs on a machine, with the same seeded measurements at every start. */
function fleet(candidates: readonly ArtefactView[]): ChoiceDevice[] {
  const profiles = loadProfiles().filter(({ executionProviders }) => executionProviders.includes('cpu'));
  return Array.from({ length: DEVICES }, (_, index): ChoiceDevice => {
    const profile = profiles[index % profiles.length] as (typeof profiles)[number];
    const { architecture } = profile;
    const isa = profile.match.isa ?? [];
    return {
      profile,
      capabilities: {
        architecture,
        cpu: { vendor: '', model: '', cores: 4, isa, virtualised: false },
        executionProviders: [{ name: 'cpu', ran: true }],
        runtimeVersions: { onnxruntime: '1.30.0' },
      },
      ...(index % 3 === 0 ? { measuredHere: measurements(candidates, index) } : {}),
      current: candidates[index % candidates.length]?.digest,
    };
  });
}

function measurements(candidates: readonly ArtefactView[], seed: number): ReadonlyMap<string, Measurement> {
  const random = xoroshiro128plus(seed);
  const next = (): number => (random.next() >>> 0) / 2 ** 32;
  return new Map(
    candidates.map(({ digest }) => {
      const latencyMs = 5 + 100 * next();
      const energy = { joulesPerInference: 0.02 * latencyMs * next(), memoryBytes: 4e7 * (1 + next()) };
      return [digest, { latencyMs, latencyMsP95: latencyMs * (1 + next()), ...energy, devices: 1 }];
    }),
  );
}
