import {
  type Actor,
  type ArtefactChoice,
  agentSettingsSchema,
  DESIRED_STATE_BYTES_MAXIMUM,
  DESIRED_STATE_LIFE_MS,
  type DesiredState,
  type DeviceProfile,
  type DeviceView,
  type Release,
  StarlingError,
  signDocument,
} from '@starling/shared';
import { chooseArtefact } from '../artefacts/index.ts';
import { appendAudit } from '../audit/index.ts';
import type { Database } from '../db/index.ts';
import type { DeviceRow, Devices } from '../devices/index.ts';
import type { Models } from '../models/index.ts';
import type { Clock, Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import type { Keyring } from '../trust/index.ts';
import { createShortMemory } from './short-memory.ts';
import { type DesiredRow, desiredOf, devicesWithRelease, writeDesired } from './store.ts';

/** The only author of desired state. */
export interface DesiredStates {
  /** Chooses artefacts, raises the generation, tells the device. `null` stops it. */
  assign(device: string, release: string | null, actor: Pick<Actor, 'name'>): Promise<void>;
  /** Signs what a device should run now; undefined if it was never told to run anything. */
  signed(device: string): Promise<string | undefined>;
  view(device: string): Promise<DeviceView['desired']>;
  /** May the device fetch this chunk for its current or previous release? */
  reaches(device: string, digest: string): Promise<boolean>;
  /** New artefacts of a model exist: devices for which one of them is better get a new generation. */
  chooseAgain(modelDigest: string): Promise<void>;
  /** Called with each device whose desired state has changed. */
  onChange(listener: (device: string) => void): void;
}

interface DesiredStatePorts {
  db: Database;
  clock: Clock;
  log: Log;
  keyring: Keyring;
  devices: Devices;
  models: Models;
  releases: Releases;
  profiles: ReadonlyMap<string, DeviceProfile>;
  telemetryWindowMs: number;
}

export function createDesiredStates(ports: DesiredStatePorts): DesiredStates {
  const { db, clock, keyring, devices, releases, profiles } = ports;
  const listeners: ((device: string) => void)[] = [];
  const pinned = createShortMemory((device: string) => desiredOf(db, device), clock);

  const write = async (
    device: DeviceRow,
    release: { digest: string; document: Release } | null,
    actor: Pick<Actor, 'name'>,
  ): Promise<void> => {
    const choices = release === null ? {} : await chooseAll(device, release.document, ports);
    await db.transaction(async (tx) => {
      const before = await desiredOf(tx, device.id);
      const digest = release?.digest ?? null;
      const previous = before?.release !== undefined && before.release !== digest ? before.release : (before?.previousRelease ?? null);
      await writeDesired(tx, {
        device: device.id,
        epoch: before?.epoch ?? 1,
        generation: (before?.generation ?? 0) + 1,
        release: digest,
        previousRelease: previous,
        artefacts: Object.fromEntries(Object.entries(choices).map(([model, choice]) => [model, choice.artefact])),
        reasons: choices,
        assignedAtMs: clock.nowMs(),
        assignedBy: actor.name,
      });
      await appendAudit(tx, clock, actor, 'device.assign', device.id, { release: release?.document.name ?? null, digest });
    });
    pinned.forget(device.id);
    for (const listener of listeners) listener(device.id);
  };
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
      const jws = await signDocument(keyring.signer, 'desired-state', documentOf(row, profile, ports));
      if (jws.length > DESIRED_STATE_BYTES_MAXIMUM) {
        throw new StarlingError('too-large', `the desired state has ${jws.length} bytes, at most ${DESIRED_STATE_BYTES_MAXIMUM} are sent`);
      }
      return jws;
    },
    async view(device) {
      const row = await desiredOf(db, device);
      if (row === undefined) return null;
      const name = row.release === null ? null : ((await releases.find(row.release).catch(() => undefined))?.name ?? null);
      const { epoch, generation, release, previousRelease, assignedAtMs, assignedBy } = row;
      const choices = row.reasons as Record<string, ArtefactChoice>;
      return { epoch, generation, release, releaseName: name, previousRelease, choices, assignedAtMs, assignedBy };
    },
    async reaches(device, digest) {
      if (digest === keyring.signedRoot().digest) return true;
      // A pull asks for hundreds of chunks in a second. A no may come of an old memory, so it is looked up.
      return (await reachesBy(await pinned.get(device), digest)) || reachesBy(await pinned.fresh(device), digest);
    },
    async chooseAgain(modelDigest) {
      releases.forgetReachable();
      for (const row of await devicesWithRelease(db)) {
        const release = await releases.find(row.release ?? '');
        if (!release.document.models.some((model) => model.digest === modelDigest)) continue;
        const device = await devices.find(row.device);
        const choices = await chooseAll(device, release.document, ports).catch(() => undefined);
        if (choices === undefined || sameArtefacts(choices, row)) continue;
        await write(device, release, { name: 'artefact builder' });
      }
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

function sameArtefacts(choices: Record<string, ArtefactChoice>, row: DesiredRow): boolean {
  return Object.entries(choices).every(([model, choice]) => row.artefacts[model] === choice.artefact);
}

function documentOf(
  row: DesiredRow,
  profile: DeviceProfile | undefined,
  { clock, keyring, telemetryWindowMs }: DesiredStatePorts,
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
    generation: row.generation,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + DESIRED_STATE_LIFE_MS,
    root: { version, digest },
    assignment: row.release === null ? null : { release: row.release, artefacts: row.artefacts },
    ...(profile === undefined ? {} : { profile: { name: profile.name, powerModel: profile.powerModel } }),
    grants: { blobs: [], streams: [] },
    settings: agentSettingsSchema.parse({ telemetryWindowMs }),
  };
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

async function chooseAll(
  device: DeviceRow,
  release: Release,
  { models, profiles }: DesiredStatePorts,
): Promise<Record<string, ArtefactChoice>> {
  const profile = profiles.get(device.profile);
  if (profile === undefined)
    throw new StarlingError('unknown-profile', `there is no device profile ${device.profile}`, { field: 'profile' });
  const choices: Record<string, ArtefactChoice> = {};
  for (const model of release.models) {
    const candidates = await models.artefacts(model.digest);
    if (candidates.length === 0) {
      throw new StarlingError('no-artefact', `${model.name}@${model.version} has no artefacts yet`, {
        field: 'release',
        hint: 'wait for its build to end',
        retryable: true,
      });
    }
    const { capabilities } = device;
    const { choice, verdicts } = chooseArtefact({ candidates, profile, capabilities, requiredProviders: release.requiredProviders });
    if (choice === undefined) {
      const why = verdicts.map((verdict) => `${verdict.precision}: ${verdict.verdict}`).join('; ');
      throw new StarlingError('no-artefact', `no artefact of ${model.name} runs on ${device.name}: ${why}`, { field: 'release' });
    }
    choices[model.name] = choice;
  }
  return choices;
}
