import {
  type ArtefactChoice,
  agentSettingsSchema,
  DESIRED_STATE_BYTES_MAXIMUM,
  DESIRED_STATE_LIFE_MS,
  type DesiredState,
  type DeviceProfile,
  FALLBACKS_MAXIMUM,
  HELPS_MAXIMUM,
  StarlingError,
  signDocument,
  tuneObjectiveOf,
} from '@starling/shared';
import type { Clock } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import type { DesiredRow } from './store.ts';

export interface DocumentPorts {
  clock: Clock;
  keyring: Keyring;
  telemetryWindowMs: number;
  traceRatio: number;
}

/** @throws StarlingError `too-large` */
export async function signDesired(row: DesiredRow, profile: DeviceProfile | undefined, ports: DocumentPorts): Promise<string> {
  // Runners-up are a comfort: a release of very many models goes without the last of them. What a worker helps with comes before that, and
  // after what it runs itself.
  const helpCount = row.places === null ? 0 : Math.min(row.helps.length, HELPS_MAXIMUM);
  for (let helps = helpCount; helps >= 0; helps -= 1) {
    for (let fallbackCount = FALLBACKS_MAXIMUM; fallbackCount >= 0; fallbackCount -= 1) {
      const document = documentOf({ ...row, helps: row.helps.slice(0, helps) }, profile, ports, fallbackCount);
      const jws = await signDocument(ports.keyring.signer, 'desired-state', document);
      if (jws.length <= DESIRED_STATE_BYTES_MAXIMUM) return jws;
    }
  }
  throw new StarlingError('too-large', `the desired state has more than the ${DESIRED_STATE_BYTES_MAXIMUM} bytes that are sent`);
}

function documentOf(
  row: DesiredRow,
  profile: DeviceProfile | undefined,
  { clock, keyring, telemetryWindowMs, traceRatio }: DocumentPorts,
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
    ...(row.experiment === null || row.release === null ? {} : { experiment: row.experiment }),
    ...(row.helps.length === 0 || row.release === null ? {} : { helps: row.helps }),
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
