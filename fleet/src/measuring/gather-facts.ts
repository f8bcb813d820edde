import { fitProfile } from '@starling/device-profiles';
import { commandTable, type DeviceProfile, type MeasuringSettings, problemSchema } from '@starling/shared';
import { refusalOf } from '../artefacts/index.ts';
import { type MeasuringCommand, measuringCommands } from '../commands/index.ts';
import type { Database } from '../db/index.ts';
import { releasesOnProfiles } from '../desired-state/index.ts';
import { type DeviceRow, drawDevices } from '../devices/index.ts';
import { briefMeasurements } from '../measurements/index.ts';
import type { Models } from '../models/index.ts';
import type { Releases } from '../releases/index.ts';
import type { Asked, Outcome, PlanDevice, PlanInput, Subject } from './facts.ts';
import { openRequests } from './store.ts';

export interface FactPorts {
  db: Database;
  models: Pick<Models, 'artefacts' | 'show'>;
  releases: Pick<Releases, 'find'>;
  profiles: ReadonlyMap<string, DeviceProfile>;
  settings: MeasuringSettings;
}

/** A device with this label is left alone. */
const SPARED = { label: 'measure', value: 'never' };
/** Devices of a profile that are looked at: enough to find some that are free, and others the next hour. */
const DRAWN_PER_PROFILE = 50;
const HOUR_MS = 3_600_000;
/** The agent asks for this much memory before it loads a model to measure: weights as floats, activations, the engine itself. */
const MEMORY_FACTOR = 3;
const MEMORY_BASE_BYTES = 64 * 1024 * 1024;

/** A subject, and the providers that each release that has it allows; undefined allows all. */
type AllowedSubject = Subject & { allowed: (readonly string[] | undefined)[] };

/** Everything that planning rests on, from rows alone. */
export async function gatherFacts(ports: FactPorts, nowMs: number): Promise<PlanInput> {
  const { db, settings } = ports;
  const subjects = await subjectsOf(ports, nowMs);
  const profiles = [...new Set(subjects.map(({ profile }) => profile))];
  const rows = await drawDevices(db, profiles, DRAWN_PER_PROFILE, `${Math.floor(nowMs / HOUR_MS)}`);
  const artefacts = [...new Set(subjects.flatMap((subject) => subject.artefacts.map(({ digest }) => digest)))];
  const wanted = Math.max(settings.devicesPerProfile, ...subjects.map((subject) => subject.wanted));
  const drawn = { perProfile: wanted + DRAWN_PER_PROFILE, ofDevices: rows.map(({ id }) => id) };
  return {
    nowMs,
    settings,
    subjects: subjects.map(({ allowed: _allowed, ...subject }) => subject),
    devices: rows.map((row) => deviceOf(row, subjects, ports.profiles)),
    measured: await briefMeasurements(db, artefacts, drawn),
    asked: (await measuringCommands(db, nowMs - settings.againMs)).map(askedOf),
  };
}

async function subjectsOf({ db, models, releases, settings }: FactPorts, nowMs: number): Promise<AllowedSubject[]> {
  const subjects = new Map<string, AllowedSubject>();
  const known = new Map<string, AllowedSubject['artefacts']>();
  const subjectOf = async (profile: string, model: Subject['model']): Promise<AllowedSubject> => {
    const key = `${profile} ${model.digest}`;
    const artefacts = known.get(model.digest) ?? (await models.artefacts(model.digest));
    known.set(model.digest, artefacts);
    const subject = subjects.get(key) ?? { profile, model, artefacts, wanted: 0, requestedBy: null, allowed: [] };
    subjects.set(key, subject);
    return subject;
  };
  for (const { release, profile } of await releasesOnProfiles(db)) {
    const { document } = await releases.find(release);
    for (const model of document.models) {
      const subject = await subjectOf(profile, model);
      subject.wanted = settings.devicesPerProfile;
      subject.allowed.push(document.requiredProviders);
    }
  }
  for (const { model, profile, devices, requestedBy } of await openRequests(db, nowMs)) {
    const { name, version } = await models.show(model);
    const subject = await subjectOf(profile, { name, version, digest: model });
    if (devices > subject.wanted) Object.assign(subject, { wanted: devices, requestedBy });
    // Whoever asks wants to know of every provider that the device offers.
    subject.allowed.push(undefined);
  }
  return [...subjects.values()];
}

function deviceOf(row: DeviceRow, subjects: readonly AllowedSubject[], profiles: ReadonlyMap<string, DeviceProfile>): PlanDevice {
  const { id, name, profile, online, labels, reported } = row;
  const running = reported?.running?.artefacts ?? {};
  return {
    ...{ id, name, profile, isOnline: online, isSpared: labels[SPARED.label] === SPARED.value },
    // A device that was never told to run anything has reported nothing.
    isSettled: reported === null || reported.phase === 'running' || reported.phase === 'idle',
    runnable: runnableOn(row, subjects, profiles.get(profile)),
    held: new Set(Object.values(running)),
  };
}

function runnableOn(row: DeviceRow, subjects: readonly AllowedSubject[], profile: DeviceProfile | undefined): Set<string> {
  const runnable = new Set<string>();
  if (profile === undefined) return runnable;
  const { capabilities, reported } = row;
  const fitted = fitProfile(profile, capabilities);
  const refused = new Set(reported?.refused?.map(({ artefact }) => artefact));
  const { totalBytes } = capabilities.memory;
  // A device that keeps its memory secret says 0.
  const memoryBytes = totalBytes === 0 ? Number.POSITIVE_INFINITY : totalBytes;
  for (const { artefacts, allowed } of subjects.filter((subject) => subject.profile === row.profile)) {
    for (const artefact of artefacts) {
      const fits = artefact.sizeBytes * MEMORY_FACTOR + MEMORY_BASE_BYTES <= memoryBytes;
      const runs = allowed.some((providers) => refusalOf(artefact, fitted, capabilities, providers) === undefined);
      if (fits && runs && !refused.has(artefact.digest)) runnable.add(artefact.digest);
    }
  }
  return runnable;
}

function askedOf({ device, profile, name, issuedAtMs, status, isOpen, error, arguments: given, result }: MeasuringCommand): Asked {
  const about = { device, profile, issuedAtMs, isOpen };
  // Tuning keeps a device busy, and measures nothing that choices rest on.
  if (name !== 'benchmark') return { ...about, artefacts: [] };
  const named = commandTable.benchmark.arguments.safeParse(given).data?.artefacts ?? [];
  const answered = new Map(commandTable.benchmark.result.safeParse(result).data?.artefacts.map((each) => [each.artefact, each]));
  const wholeError = problemSchema.safeParse(error).data;
  const outcomeOf = (artefact: string): Outcome => {
    if (isOpen) return 'open';
    const answer = answered.get(artefact);
    if (answer?.record !== undefined) return 'measured';
    return status === 'expired' || (answer?.error ?? wholeError)?.code === 'device-busy' ? 'busy' : 'failed';
  };
  const artefacts = new Set([...named.map(({ artefact }) => artefact), ...answered.keys()]);
  return { ...about, artefacts: [...artefacts].map((artefact) => ({ artefact, outcome: outcomeOf(artefact) })) };
}
