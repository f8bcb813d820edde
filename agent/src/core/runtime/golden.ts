import { StarlingError } from '@starling/shared';
import type { InstalledModel, SelfTestReport } from '../ports/runtime-host.ts';
import { type LoadedModel, replayGolden } from '../sessions/index.ts';
import type { LoadedRelease, LoadPorts } from './loaded-release.ts';

type ModelVerdict = SelfTestReport['models'][string];

/** Replays the golden inputs of every model of a release. */
export async function testRelease(release: LoadedRelease, { engine }: Pick<LoadPorts, 'engine'>): Promise<SelfTestReport> {
  const models: Record<string, ModelVerdict> = {};
  for (const model of release.models) {
    const { artefact, golden } = installedModel(release, model);
    const verdict = golden === undefined ? untested : await replayGolden(model.session, golden, engine);
    models[model.name] = { ...verdict, artefact, provider: model.session.provider };
  }
  return { passed: Object.values(models).every((verdict) => verdict.passed), models };
}

const untested = { passed: true, maximumError: 0, reason: 'the artefact has no golden set' };

function installedModel(release: LoadedRelease, model: LoadedModel): InstalledModel {
  const installed = release.installed.models.find((candidate) => candidate.name === model.name);
  if (installed === undefined) throw new StarlingError('unknown-model', `the release has no model ${model.name}`);
  return installed;
}
