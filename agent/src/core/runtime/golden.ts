import { cborDecode, type GoldenSet, goldenError, goldenInput, goldenSetSchema, messageOf, StarlingError } from '@starling/shared';
import type { Engine, Tensor } from '../ports/engine.ts';
import type { BenchmarkReport, InstalledModel, SelfTestReport } from '../ports/runtime-host.ts';
import type { LoadedModel } from '../sessions/index.ts';
import type { LoadedRelease, LoadPorts } from './loaded-release.ts';

type ModelVerdict = SelfTestReport['models'][string];

/** Replays the golden inputs of every model and compares: a wrong build, a broken driver or a flipped bit in memory shows here. */
export async function replayGolden(release: LoadedRelease, ports: Pick<LoadPorts, 'engine'>): Promise<SelfTestReport> {
  const models: Record<string, ModelVerdict> = {};
  for (const model of release.models) {
    const installed = installedModel(release, model);
    models[model.name] = installed.golden === undefined ? passedWithout() : await replay(model, installed.golden, ports.engine);
  }
  return { passed: Object.values(models).every((verdict) => verdict.passed), models };
}

function passedWithout(): ModelVerdict {
  return { passed: true, maximumError: 0, reason: 'the artefact has no golden set' };
}

async function replay(model: LoadedModel, bytes: Uint8Array, engine: Engine): Promise<ModelVerdict> {
  const golden = cborDecode(bytes, goldenSetSchema);
  try {
    const outputs = await model.session.run(inputsOf(golden, engine));
    let maximumError = 0;
    for (const [name, expected] of Object.entries(golden.outputs)) {
      const actual = outputs[name];
      if (actual === undefined || actual.shape.join() !== expected.shape.join()) {
        return {
          passed: false,
          maximumError: Number.MAX_VALUE,
          reason: `output ${name} has shape [${actual?.shape.join() ?? 'none'}], not [${expected.shape.join()}]`,
        };
      }
      maximumError = Math.max(maximumError, goldenError(expected, actual.data as Float32Array));
    }
    const finite = Number.isFinite(maximumError);
    if (!finite) return { passed: false, maximumError: Number.MAX_VALUE, reason: 'an output is not a number' };
    const passed = maximumError <= golden.tolerance;
    return passed
      ? { passed, maximumError }
      : { passed, maximumError, reason: `error ${maximumError.toExponential(2)} is over ${golden.tolerance}` };
  } catch (error) {
    return { passed: false, maximumError: Number.MAX_VALUE, reason: messageOf(error) };
  }
}

/** Times each model of a release on its golden inputs: one warm-up, then `runs` runs. */
export async function benchmarkModels(
  release: LoadedRelease,
  runs: number,
  ports: Pick<LoadPorts, 'engine' | 'clock'>,
): Promise<BenchmarkReport> {
  const models: BenchmarkReport['models'] = {};
  for (const model of release.models) {
    const { golden } = installedModel(release, model);
    if (golden === undefined) continue;
    const inputs = inputsOf(cborDecode(golden, goldenSetSchema), ports.engine);
    await model.session.run(inputs);
    const timesMs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const startedMs = ports.clock.monotonicMs();
      await model.session.run(inputs);
      timesMs.push(ports.clock.monotonicMs() - startedMs);
    }
    timesMs.sort((a, b) => a - b);
    const at = (fraction: number): number => timesMs[Math.min(timesMs.length - 1, Math.floor(fraction * timesMs.length))] ?? 0;
    models[model.name] = { medianMs: at(0.5), p95Ms: at(0.95), runs, provider: model.session.provider };
  }
  return { models };
}

function inputsOf(golden: GoldenSet, engine: Engine): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = {};
  for (const [name, input] of Object.entries(golden.inputs)) {
    if (input.elementType !== 'float32') {
      throw new StarlingError('golden-unsupported', `golden input ${name} is ${input.elementType}; only float32 can be made here`);
    }
    const length = input.shape.reduce((product, side) => product * side, 1);
    const data = engine.allocateFloat32(length);
    data.set(goldenInput(input.seed, length));
    inputs[name] = { elementType: 'float32', shape: input.shape, data };
  }
  return inputs;
}

function installedModel(release: LoadedRelease, model: LoadedModel): InstalledModel {
  const installed = release.installed.models.find((candidate) => candidate.name === model.name);
  if (installed === undefined) throw new StarlingError('unknown-model', `the release has no model ${model.name}`);
  return installed;
}
