import { messageOf, type SessionSettings, StarlingError, type TensorPort } from '@starling/shared';
import type { Engine, EngineSession, MachineSettings, ModelPorts } from '../ports/engine.ts';
import type { InstalledModel } from '../ports/runtime-host.ts';
import { providerLadder } from './provider-ladder.ts';
import { createResident, type Resident, requireGolden } from './resident.ts';
import { settingsLadder } from './settings.ts';

/** A model that is ready to run, and what it runs on. */
export interface LoadedModel {
  name: string;
  artefact: string;
  session: EngineSession;
  /** As its signed version states them; what a recurrent model keeps begins with zeros of these shapes. */
  inputs?: readonly TensorPort[] | undefined;
}

/** Loaded models by artefact: two releases that share an artefact share its session. */
export interface SessionPool {
  /** @throws StarlingError `load-failed` with the reason of each provider tried, or `provider-refused` */
  acquire(model: InstalledModel, requiredProviders: readonly string[] | undefined): Promise<LoadedModel>;
  /** Gives one use back; the session is closed with its last use. */
  release(artefact: string): Promise<void>;
  /** Of an artefact that is in use. @throws StarlingError `not-loaded` if it is not */
  resident(artefact: string): Promise<Resident>;
  close(): Promise<void>;
}

interface Entry {
  opening: Promise<Resident>;
  uses: number;
}

/** A provider that would be better did not take a model. */
export type OnFallback = (model: string, from: string, to: string, reason: string) => void;

export function createSessionPool(engine: Engine, machine: MachineSettings, onFallback: OnFallback): SessionPool {
  const entries = new Map<string, Entry>();
  const openOn = (model: InstalledModel, providers: readonly string[]): Promise<EngineSession> =>
    openOnLadder(engine, model, settingsLadder(providers, machine, model.settings), onFallback);
  const open = async (model: InstalledModel, required: readonly string[] | undefined): Promise<Resident> => {
    const first = await openOn(model, providerLadder(model.executionProviders, engine.providers, required));
    // What was reported and tested is this provider: it comes back on no other.
    return createResident(first, async () => requireGolden(await openOn(model, [first.provider]), model, engine));
  };

  return {
    async acquire(model, requiredProviders) {
      const entry = entries.get(model.artefact) ?? { opening: open(model, requiredProviders), uses: 0 };
      entries.set(model.artefact, entry);
      entry.uses += 1;
      try {
        const resident = await entry.opening;
        // Another use of it may have been told to free it.
        await resident.open();
        const { session } = resident;
        if (requiredProviders !== undefined && !requiredProviders.includes(session.provider)) {
          throw new StarlingError('provider-refused', `${model.name} runs on ${session.provider}, not on ${requiredProviders.join(', ')}`);
        }
        return { name: model.name, artefact: model.artefact, session, inputs: model.ports?.inputs };
      } catch (error) {
        entry.uses -= 1;
        if (entry.uses === 0) entries.delete(model.artefact);
        throw error;
      }
    },
    async release(artefact) {
      const entry = entries.get(artefact);
      if (entry === undefined) return;
      entry.uses -= 1;
      if (entry.uses > 0) return;
      entries.delete(artefact);
      await (await entry.opening).session.close();
    },
    async resident(artefact) {
      const entry = entries.get(artefact);
      if (entry === undefined) throw new StarlingError('not-loaded', `artefact ${artefact.slice(0, 12)} is not in use`);
      return entry.opening;
    },
    async close() {
      const open = [...entries.values()];
      entries.clear();
      await Promise.allSettled(open.map(async (entry) => (await entry.opening).session.close()));
    },
  };
}

/** Opens a model on the first of some settings, best first, with which it loads. @throws StarlingError `load-failed` */
export async function openOnLadder(
  engine: Engine,
  model: { name: string; location: string; weights?: string; ports?: ModelPorts },
  ladder: readonly SessionSettings[],
  onFallback?: OnFallback,
): Promise<EngineSession> {
  const refusals: { provider: string; reason: string }[] = [];
  for (const settings of ladder) {
    try {
      const { ports, weights } = model;
      const session = await engine.open(model.location, {
        ...settings,
        ...(ports === undefined ? {} : { ports }),
        ...(weights === undefined ? {} : { weights }),
      });
      for (const { provider, reason } of refusals) onFallback?.(model.name, provider, session.provider, reason);
      return session;
    } catch (error) {
      refusals.push({ provider: settings.provider, reason: messageOf(error) });
    }
  }
  const reasons = refusals.map(({ provider, reason }) => `${provider}: ${reason}`);
  throw new StarlingError('load-failed', `${model.name} loads on no provider (${reasons.join('; ')})`, { field: `models.${model.name}` });
}
