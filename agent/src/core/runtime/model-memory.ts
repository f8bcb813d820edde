import { type CommandResultOf, StarlingError } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { InstalledModel } from '../ports/runtime-host.ts';
import type { Resident, SessionPool } from '../sessions/index.ts';
import type { LoadedRelease } from './loaded-release.ts';

type Kept = Pick<LoadedRelease, 'installed'>;
type Residents = Pick<SessionPool, 'resident'>;

/** Loads a model of a release now, instead of with the next item. @throws StarlingError `unknown-model`, `load-failed`, `self-test-failed` */
export async function loadModel(release: Kept, name: string, pool: Residents, clock: Clock): Promise<CommandResultOf<'model-load'>> {
  const startedMs = clock.monotonicMs();
  const { model, resident } = await find(release, name, pool);
  const wasLoaded = resident.isOpen();
  await resident.open();
  return { ...described(model, resident), wasLoaded, loadMs: clock.monotonicMs() - startedMs };
}

/** Frees a model of a release once its runs under way have ended. @throws StarlingError `unknown-model` */
export async function freeModel(release: Kept, name: string, pool: Residents): Promise<CommandResultOf<'model-unload'>> {
  const { model, resident } = await find(release, name, pool);
  const wasLoaded = await resident.free();
  return { ...described(model, resident), wasLoaded };
}

async function find({ installed }: Kept, name: string, pool: Residents): Promise<{ model: InstalledModel; resident: Resident }> {
  const model = installed.models.find((each) => each.name === name);
  if (model === undefined) {
    throw new StarlingError('unknown-model', `the running release has no model "${name}"`, {
      field: 'model',
      hint: `models of the release: ${installed.models.map((each) => each.name).join(', ') || 'none'}`,
    });
  }
  return { model, resident: await pool.resident(model.artefact) };
}

function described({ name, artefact, sizeBytes }: InstalledModel, { session }: Resident) {
  return { model: name, artefact, provider: session.provider, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}
