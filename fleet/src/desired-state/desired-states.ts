import {
  type Actor,
  type ArtefactChoice,
  agentSettingsSchema,
  type ChoiceChange,
  DESIRED_STATE_BYTES_MAXIMUM,
  DESIRED_STATE_LIFE_MS,
  type DesiredState,
  type DeviceProfile,
  type DeviceView,
  FALLBACKS_MAXIMUM,
  messageOf,
  type Objective,
  type PageQuery,
  type Release,
  type ReleaseObjective,
  StarlingError,
  signDocument,
  tuneObjectiveOf,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Database } from '../db/index.ts';
import type { DeviceRow, Devices } from '../devices/index.ts';
import type { Models } from '../models/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import type { Keyring } from '../trust/index.ts';
import { objectiveFor, openReleaseChooser, type ReleaseChooser } from './choose-for-device.ts';
import { createPlacement, nobody } from './placement.ts';
import { createPlacementKeeper } from './placement-keeper.ts';
import { findProposals, pageOfChanges } from './proposals.ts';
import { createShortMemory } from './short-memory.ts';
import { type DesiredRow, desiredOf, writeDesired, writeObjective } from './store.ts';
import { findUnserved } from './unserved.ts';
import { type DesiredView, viewsOf } from './views.ts';

/** The only author of desired state. */
export interface DesiredStates {
  /** Chooses artefacts, raises the generation, tells the device. `null` stops it. */
  assign(device: string, release: string | null, actor: Pick<Actor, 'name'>): Promise<void>;
  /** Signs what a device should run now; undefined if it was never told to run anything. */
  signed(device: string): Promise<string | undefined>;
  view(device: string): Promise<DeviceView['desired']>;
  /** The same of many devices; those that were never told anything are left out. */
  views(devices: readonly string[]): Promise<Map<string, DesiredView>>;
  /** May the device fetch this chunk for its current or previous release? */
  reaches(device: string, digest: string): Promise<boolean>;
  /** New artefacts of a model exist: devices without one get one now; where another would be better, that is a proposal. */
  artefactsAdded(modelDigest: string): Promise<void>;
  /** @param release name or digest; that of the device if not given */
  explain(device: string, model: string, release?: string): Promise<{ choice: ArtefactChoice; current: string | null }>;
  proposals(page: PageQuery): Promise<ChangePage>;
  preview(release: string, objective: Objective, page: PageQuery): Promise<ChangePage>;
  /** Gives devices what is proposed for them, each with a new generation. @returns how many changed */
  applyProposals(only: readonly string[] | undefined, actor: Pick<Actor, 'name'>): Promise<number>;
  objective(release: string): Promise<ReleaseObjective>;
  setObjective(release: string, objective: Objective | null, actor: Pick<Actor, 'name'>): Promise<ReleaseObjective>;
  /** Has the fleet made one of them work for the other? What they send to each other is let through then, and only then. */
  connects(from: string, to: string): Promise<boolean>;
  /** Ends what it does by itself. */
  close(): Promise<void>;
  /** Called with each device whose desired state has changed. */
  onChange(listener: (device: string) => void): void;
}

export interface ChangePage extends PageQuery {
  items: ChoiceChange[];
  total: number;
  /** Devices that change; one may change several models. */
  devices: number;
  /** Choices that were looked at, and those of which what should run was never measured there or on its profile. */
  choices: number;
  unmeasured: number;
}

interface DesiredStatePorts {
  db: Database;
  clock: Clock;
  events: EventBus;
  log: Log;
  keyring: Keyring;
  devices: Devices;
  models: Models;
  releases: Releases;
  profiles: ReadonlyMap<string, DeviceProfile>;
  telemetryWindowMs: number;
  traceRatio: number;
}

export function createDesiredStates(ports: DesiredStatePorts): DesiredStates {
  const { db, clock, keyring, devices, releases, profiles } = ports;
  const listeners: ((device: string) => void)[] = [];
  const pinned = createShortMemory((device: string) => desiredOf(db, device), clock);
  const placement = createPlacement(ports);

  const write = async (
    device: DeviceRow,
    release: { digest: string; document: Release } | null,
    actor: Pick<Actor, 'name'>,
    chooser?: ReleaseChooser,
  ): Promise<void> => {
    const running = (await desiredOf(db, device.id))?.artefacts ?? {};
    const role = release === null ? nobody : await placement.roleOf(device, release.digest);
    const choices =
      release === null
        ? {}
        : (chooser ?? (await openReleaseChooser(release, ports))).choose(device, running, await placement.models(role, release.digest));
    let left: string | null = null;
    await db.transaction(async (tx) => {
      const before = await desiredOf(tx, device.id);
      left = before?.release ?? null;
      const digest = release?.digest ?? null;
      const previous = before?.release !== undefined && before.release !== digest ? before.release : (before?.previousRelease ?? null);
      await writeDesired(tx, {
        device: device.id,
        epoch: keyring.epoch.epoch,
        generation: (before?.generation ?? 0) + 1,
        release: digest,
        previousRelease: previous,
        ...role,
        artefacts: Object.fromEntries(Object.entries(choices).map(([model, choice]) => [model, choice.artefact])),
        reasons: choices,
        assignedAtMs: clock.nowMs(),
        assignedBy: actor.name,
      });
      await appendAudit(tx, clock, actor, 'device.assign', device.id, { release: release?.document.name ?? null, digest });
    });
    changed(device.id);
    for (const each of new Set([left, release?.digest])) if (each !== null && each !== undefined) keeper.assigned(each);
  };
  const changed = (device: string): void => {
    pinned.forget(device);
    for (const listener of listeners) listener(device);
  };
  const keeper = createPlacementKeeper({
    ...ports,
    isWorker: (device) => placement.isWorker(device),
    refresh: (only) =>
      placement.refresh(only, {
        moved: changed,
        // Another role needs other artefacts.
        reassign: async (device, release) =>
          write(device, await releases.find(release), { name: 'fleet' }).catch((error: unknown) =>
            ports.log.warn({ device: device.id, error: messageOf(error) }, 'a device could not be given its part of a release'),
          ),
      }),
  });
  const reachesBy = async (row: DesiredRow | undefined, digest: string): Promise<boolean> => {
    for (const release of [row?.release, row?.previousRelease]) {
      if (release !== null && release !== undefined && (await releases.reachable(release)).has(digest)) return true;
    }
    return false;
  };
  return {
    async assign(id, reference, actor) {
      const device = await devices.find(id);
      if (device.status === 'revoked') throw new StarlingError('device-revoked', 'the device was revoked', { field: 'id' });
      const release = reference === null ? null : await releases.find(reference);
      if (release !== null) requireAgent(device, release.document);
      await write(device, release, actor);
    },
    async signed(device) {
      const row = await desiredOf(db, device);
      if (row === undefined) return undefined;
      const profile = profiles.get((await devices.find(device)).profile);
      // Runners-up are a comfort: a release of very many models goes without the last of them.
      for (let fallbackCount = FALLBACKS_MAXIMUM; fallbackCount >= 0; fallbackCount -= 1) {
        const jws = await signDocument(keyring.signer, 'desired-state', documentOf(row, profile, ports, fallbackCount));
        if (jws.length <= DESIRED_STATE_BYTES_MAXIMUM) return jws;
      }
      throw new StarlingError('too-large', `the desired state has more than the ${DESIRED_STATE_BYTES_MAXIMUM} bytes that are sent`);
    },
    async view(device) {
      return (await viewsOf([device], ports)).get(device) ?? null;
    },
    views: (ids) => viewsOf(ids, ports),
    async reaches(device, digest) {
      if (digest === keyring.signedRoot().digest) return true;
      // A pull asks for hundreds of chunks in a second. A no may come of an old memory, so it is looked up.
      return (await reachesBy(await pinned.get(device), digest)) || reachesBy(await pinned.fresh(device), digest);
    },
    async artefactsAdded(modelDigest) {
      releases.forgetReachable();
      for await (const { device, release, chooser } of findUnserved(modelDigest, ports)) {
        await write(device, release, { name: 'artefact builder' }, chooser).catch((error: unknown) =>
          ports.log.warn({ device: device.id, error: messageOf(error) }, 'no artefact could be chosen'),
        );
      }
    },
    async explain(id, model, reference) {
      const device = await devices.find(id);
      const row = await desiredOf(db, device.id);
      const wanted = reference ?? row?.release ?? undefined;
      if (wanted === undefined) {
        throw new StarlingError('no-release', `${device.name} has no release`, {
          field: 'release',
          hint: 'name the one to ask about (--release)',
        });
      }
      const release = await releases.find(wanted);
      const choices = (await openReleaseChooser(release, ports)).choose(device, row?.artefacts ?? {});
      const choice = choices[model];
      if (choice === undefined) {
        const known = Object.keys(choices).join(', ');
        throw new StarlingError('unknown-model', `${release.name} has no model ${model}`, {
          field: 'model',
          hint: `its models: ${known}; about a model of another release ask with that release (--release)`,
        });
      }
      return { choice, current: row?.artefacts[model] ?? null };
    },
    proposals: (page) => pageOfChanges(ports, page),
    async preview(reference, objective, page) {
      const { digest } = await releases.find(reference);
      return pageOfChanges(ports, page, { release: digest, objective });
    },
    async applyProposals(only, actor) {
      let changed = 0;
      for await (const { device, release, chooser } of findProposals(ports)) {
        if (only !== undefined && !only.includes(device.id)) continue;
        await write(device, release, actor, chooser);
        changed += 1;
      }
      return changed;
    },
    async objective(reference) {
      return objectiveFor(await releases.find(reference), ports);
    },
    async setObjective(reference, objective, actor) {
      const release = await releases.find(reference);
      await db.transaction(async (tx) => {
        const row = objective === null ? null : { objective, setAtMs: clock.nowMs(), setBy: actor.name };
        await writeObjective(tx, release.digest, row);
        await appendAudit(tx, clock, actor, 'release.objective', release.document.name, { digest: release.digest, objective });
      });
      return objectiveFor(release, ports);
    },
    async connects(from, to) {
      const works = (row: DesiredRow | undefined, worker: string): boolean => Object.values(row?.workers ?? {}).includes(worker);
      return works(await pinned.get(from), to) || works(await pinned.get(to), from);
    },
    close: () => keeper.close(),
    onChange: (listener) => void listeners.push(listener),
  };
}

function documentOf(
  row: DesiredRow,
  profile: DeviceProfile | undefined,
  { clock, keyring, telemetryWindowMs, traceRatio }: DesiredStatePorts,
  fallbackCount: number,
): DesiredState {
  const nowMs = clock.nowMs();
  const { version, digest } = keyring.signedRoot();
  return {
    kind: 'desired-state',
    schemaVersion: 1,
    critical: [],
    fleetId: keyring.fleetId,
    device: row.device,
    epoch: row.epoch,
    // Devices that have seen this epoch need no proof of it; which have, nobody knows.
    ...(keyring.epoch.proof === undefined ? {} : { epochProof: keyring.epoch.proof }),
    generation: row.generation,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + DESIRED_STATE_LIFE_MS,
    root: { version, digest },
    assignment:
      row.release === null
        ? null
        : { release: row.release, artefacts: row.artefacts, ...fallbacksOf(row, fallbackCount), ...objectiveIn(row), ...placesIn(row) },
    ...(profile === undefined ? {} : { profile: { name: profile.name, powerModel: profile.powerModel } }),
    grants: { blobs: [], streams: streamsOf(row) },
    settings: agentSettingsSchema.parse({ telemetryWindowMs, traceRatio }),
  };
}

function placesIn({ places, workers }: DesiredRow): Pick<NonNullable<DesiredState['assignment']>, 'places' | 'workers'> {
  return { ...(places === null ? {} : { places }), ...(Object.keys(workers).length === 0 ? {} : { workers }) };
}

/**
 * Topics below `stream/` that it may use. A worker has no list of those that it works for, who may be thousands: each of them shows it its
 * own desired state, and the broker knows them all.
 */
function streamsOf({ device, places, workers }: DesiredRow): string[] {
  if (places !== null) return [`+/+/+/${device}`, `+/+/${device}/+`];
  return [...new Set(Object.values(workers))].flatMap((worker) => [`+/+/${device}/${worker}`, `+/+/${worker}/${device}`]);
}

/** The runners-up of the choices that were made, at most so many per model. */
function fallbacksOf(row: DesiredRow, count: number): Pick<NonNullable<DesiredState['assignment']>, 'fallbacks'> {
  const choices = Object.entries(row.reasons as Record<string, ArtefactChoice>);
  const fallbacks = choices.flatMap(([model, choice]) => {
    const digests = (choice.fallbacks ?? []).slice(0, count);
    return digests.length === 0 ? [] : [[model, digests] as const];
  });
  return fallbacks.length === 0 ? {} : { fallbacks: Object.fromEntries(fallbacks) };
}

/** By what the choices were made: all of a device by one. */
function objectiveIn(row: DesiredRow): Pick<NonNullable<DesiredState['assignment']>, 'objective'> {
  const [choice] = Object.values(row.reasons as Record<string, ArtefactChoice>);
  return choice?.objective === undefined ? {} : { objective: tuneObjectiveOf(choice.objective) };
}

/** A release is given only to an agent that can run it. */
function requireAgent(device: DeviceRow, release: Release): void {
  // Versions come with the first hello; a device that has never connected is told when it does, and refuses then.
  if (Object.keys(device.operatorVersions).length === 0) return;
  for (const [operator, version] of Object.entries(release.requires.operators)) {
    if ((device.operatorVersions[operator] ?? 0) >= version) continue;
    throw new StarlingError(
      'agent-too-old',
      `the release needs ${operator} version ${version}, the agent ${device.agentVersion} has ${device.operatorVersions[operator] ?? 'none'}`,
      {
        field: 'release',
        hint: 'update the agent on the device first',
      },
    );
  }
}
