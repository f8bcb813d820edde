import {
  type Actor,
  type ArtefactChoice,
  type ChoiceChange,
  type DeviceProfile,
  type DeviceView,
  messageOf,
  type Objective,
  type PageQuery,
  type Release,
  type ReleaseObjective,
  StarlingError,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import { createGatherer, type Database, type Transaction } from '../db/index.ts';
import { type DeviceRow, type Devices, devicesByIds } from '../devices/index.ts';
import type { Models } from '../models/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import type { Keyring } from '../trust/index.ts';
import { requireAgent } from './agent-requirements.ts';
import { createAnnouncer, type DesiredLink } from './announce.ts';
import { type Given, type ManyAssignments, type SharedChoice, writeManyDesired } from './assign-many.ts';
import { objectiveFor, openReleaseChooser, type ReleaseChooser } from './choose-for-device.ts';
import { choiceOf, chooseMany, type ManyChosen } from './choose-many.ts';
import { signDesired } from './document.ts';
import { type ComingReleases, createHelps } from './helps.ts';
import { createPlacedChoices, helpsAfter } from './placed-choices.ts';
import { createPlacement, nobody, type Role } from './placement.ts';
import { createPlacementKeeper } from './placement-keeper.ts';
import { findProposals, pageOfChanges } from './proposals.ts';
import { createShortMemory } from './short-memory.ts';
import {
  type DesiredRow,
  desiredOf,
  desiredOfAll,
  desiredWithProfiles,
  writeDesired,
  writeHelps,
  writeObjective,
  writeWorkers,
} from './store.ts';
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
  /** Chooses for many devices of one release; changes nothing. */
  chooseMany(release: string, devices: readonly string[]): Promise<ManyChosen>;
  /** What devices had before, to be given to them again, exactly; undefined if some of it is not there any more. */
  givenBack(release: string | null, artefacts: Readonly<Record<string, string>>, why: string): Promise<SharedChoice | undefined>;
  /** What devices are to a release of several places, by device. @param release digest */
  rolesOf(release: string | null, devices: readonly string[]): Promise<ReadonlyMap<string, Role>>;
  /**
   * Raises the generations of many devices inside a transaction. To be announced once it is committed.
   * @returns what was written: a device with `only` is left out where its desired state is not that any more
   */
  writeMany(tx: Transaction, assignments: Omit<ManyAssignments, 'epoch' | 'nowMs'>): Promise<Given[]>;
  /** Tells devices, one after the other, what they should run now; those that are away get it with their next hello. */
  announce(devices: readonly string[]): void;
  /** Where desired states go out. */
  connect(link: DesiredLink): void;
  /** Has the fleet made one of them work for the other? What they send to each other is let through then, and only then. */
  connects(from: string, to: string): Promise<boolean>;
  /** Ends what it does by itself. */
  close(): Promise<void>;
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
  /** Releases that homes of workers are about to be given. */
  coming: ComingReleases;
  /** The desired states of these devices were raised by one, and name the same release. */
  follow(tx: Transaction, devices: readonly string[]): Promise<void>;
}

export function createDesiredStates(ports: DesiredStatePorts): DesiredStates {
  const { db, clock, keyring, devices, releases, profiles } = ports;
  const announcer = createAnnouncer(ports);
  /** For devices that come back, which they do in herds. */
  const toSign = createGatherer((batch: ReadonlyMap<string, null>) => desiredWithProfiles(db, [...batch.keys()]));
  const pinned = createShortMemory((device: string) => desiredOf(db, device), clock);
  const placement = createPlacement(ports);
  const helps = createHelps(ports);
  const placed = createPlacedChoices(ports, placement);

  const write = async (
    device: DeviceRow,
    release: { digest: string; document: Release } | null,
    actor: Pick<Actor, 'name'>,
    { chooser, follows = false }: { chooser?: ReleaseChooser; follows?: boolean } = {},
  ): Promise<void> => {
    const running = (await desiredOf(db, device.id))?.artefacts ?? {};
    const role = release === null ? nobody : ((await placement.rolesOf([device], release.digest)).get(device.id) ?? nobody);
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
        helps: helpsAfter(before, { release: digest, places: role.places }),
        artefacts: Object.fromEntries(Object.entries(choices).map(([model, choice]) => [model, choice.artefact])),
        reasons: choices,
        // Whoever gets another release has left; other artefacts of the same one change nothing.
        experiment: before !== undefined && before.release === digest ? before.experiment : null,
        assignedAtMs: clock.nowMs(),
        assignedBy: actor.name,
      });
      if (follows) await ports.follow(tx, [device.id]);
      await appendAudit(tx, clock, actor, 'device.assign', device.id, { release: release?.document.name ?? null, digest });
    });
    changed(device.id);
    for (const each of new Set([left, release?.digest])) if (each !== null && each !== undefined) keeper.assigned(each);
  };
  const changed = (device: string): void => {
    pinned.forget(device);
    announcer.announce([device]);
  };
  /** Who works for whom is no other release: whoever waits for the device to run it waits for the newer desired state. */
  const raise = async (device: string, change: (tx: Transaction) => Promise<boolean>): Promise<void> => {
    const isRaised = await db.transaction(async (tx) => {
      const isWritten = await change(tx);
      if (isWritten) await ports.follow(tx, [device]);
      return isWritten;
    });
    if (isRaised) changed(device);
  };
  const keeper = createPlacementKeeper({
    ...ports,
    isWorker: (device) => placement.isWorker(device),
    isHome: (device) => placement.isHome(device),
    hasWorkers: () => placement.hasWorkers(),
    refreshHelps: () => helps.refresh((before, next) => raise(before.device, (tx) => writeHelps(tx, before, next))),
    refresh: (only) =>
      placement.refresh(only, {
        move: (device, release, role) => raise(device, (tx) => writeWorkers(tx, device, release, role)),
        // Another role needs other artefacts.
        reassign: async (device, release) =>
          write(device, await releases.find(release), { name: 'fleet' }, { follows: true }).catch((error: unknown) =>
            ports.log.warn({ device: device.id, error: messageOf(error) }, 'a device could not be given its part of a release'),
          ),
      }),
  });
  const reachesBy = async (row: DesiredRow | undefined, digest: string): Promise<boolean> => {
    const beside = [...(row?.experiment?.arms ?? []), ...(row?.helps ?? [])].map((each) => each.release);
    for (const release of [row?.release, row?.previousRelease, ...beside]) {
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
      const found = await toSign.add(device, null);
      return found === undefined ? undefined : signDesired(found.row, profiles.get(found.profile), ports);
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
        await write(device, release, { name: 'artefact builder' }, { chooser }).catch((error: unknown) =>
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
        await write(device, release, actor, { chooser });
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
    async chooseMany(reference, ids) {
      const release = await releases.find(reference);
      const rows = await desiredOfAll(db, ids);
      const running = new Map(rows.map(({ device, release: from, artefacts }) => [device, { release: from, artefacts }]));
      const found = await devicesByIds(db, ids);
      const chooser = await openReleaseChooser(release, ports);
      const many = chooseMany(release, chooser, found, running, await placed.rolesFor(release, found, rows, chooser));
      // A look at workers gives those what they lack to whom something is coming.
      if (many.early.size > 0) keeper.assigned(release.digest);
      return many;
    },
    async givenBack(reference, artefacts, why) {
      if (reference === null) return { release: null, artefacts: {}, reasons: {} };
      const release = await releases.find(reference);
      return choiceOf(release, artefacts, why, { models: ports.models, isPlaced: (await releases.plan(release.digest)).places.length > 0 });
    },
    async rolesOf(reference, ids) {
      return reference === null ? new Map() : placement.rolesOf(await devicesByIds(db, ids), reference);
    },
    writeMany: (tx, assignments) => writeManyDesired(tx, { ...assignments, epoch: keyring.epoch.epoch, nowMs: clock.nowMs() }),
    announce(ids) {
      for (const id of ids) pinned.forget(id);
      announcer.announce(ids);
      // Some of them may have worked for others.
      if (placement.hasWorkers()) keeper.assigned(undefined);
    },
    connect(link) {
      announcer.connect(link);
      // What happened while nobody looked.
      keeper.assigned(undefined);
    },
    async connects(from, to) {
      const works = (row: DesiredRow | undefined, worker: string): boolean => Object.values(row?.workers ?? {}).includes(worker);
      return works(await pinned.get(from), to) || works(await pinned.get(to), from);
    },
    async close() {
      await keeper.close();
      await announcer.close();
    },
  };
}
