import { type ArtefactChoice, artefactKind, durationMs, type RolloutPreview, type RolloutSpec, StarlingError } from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { createByteCounter } from './bytes-to-move.ts';
import { checkSpec, requireMatches } from './check-spec.ts';
import { PREVIEW_ALL_MAXIMUM, PREVIEW_SAMPLE_PER_GROUP, TARGETS_MAXIMUM } from './limits.ts';
import { leastWaitingMs, planSteps, quotaOf } from './plan-waves.ts';
import type { RolloutPorts } from './ports.ts';
import { countMatches, drawSample, type Matched, obstaclesIn, type Sampled } from './preview-store.ts';

const SAMPLES_SHOWN = 10;
const EXAMPLES_SHOWN = 5;
/** From the desired state to verified, without the bytes: loading, self-test and probation. */
const INSTALL_MS = 15_000;
/** What a device is taken to fetch, where nobody limits it: a slow uplink. */
const BYTES_PER_SECOND_LOW = 250_000;
const nowhere = { release: null, artefacts: {} };

interface Chosen {
  of: Sampled;
  /** Devices that this one stands for. */
  stands: number;
  reasons: Record<string, ArtefactChoice>;
  artefacts: Record<string, string>;
  bytes: number;
  before: Record<string, string>;
}

interface Refused {
  of: Sampled;
  stands: number;
  error: StarlingError;
}

export interface Checked {
  release: { digest: string; document: { name: string } };
  where: SQL;
  matched: Matched;
  chosen: Chosen[];
  refused: Refused[];
}

/**
 * Looks at everything that a rollout would do, for all devices of a small fleet, else for some of each kind.
 * @throws StarlingError that names the field and the fix: a rollout that could not work is refused before it begins
 */
export async function checkRollout(spec: RolloutSpec, all: boolean, ports: RolloutPorts): Promise<Checked> {
  const release = await checkSpec(spec, ports);
  const where = await ports.matching(spec.selector);
  const matched = await countMatches(ports.db, where, release.digest);
  requireMatches(matched.matched, matched.active, { all, maximum: TARGETS_MAXIMUM });
  await requireNoExperiment(spec, where, ports);
  if (matched.unchanged === matched.matched)
    throw new StarlingError('nothing-to-do', `all ${matched.matched} devices run ${release.document.name} already`, { field: 'release' });
  const perGroup = matched.matched <= PREVIEW_ALL_MAXIMUM ? PREVIEW_ALL_MAXIMUM : PREVIEW_SAMPLE_PER_GROUP;
  const { chosen, refused } = await chooseForSample(release.digest, await drawSample(ports.db, where, release.digest, perGroup), ports);
  if (chosen.length === 0 && refused.length > 0) {
    const [{ error } = { error: undefined }] = refused;
    throw new StarlingError('runs-nowhere', `no device that was matched can run ${release.document.name}: ${error?.message}`, {
      field: 'release',
      hint: error?.hint ?? 'build artefacts for these devices, or match others',
    });
  }
  return { release, where, matched, chosen, refused };
}

/** Another release would end the part of these devices in it, and with it what is being found out. */
async function requireNoExperiment({ supersede }: RolloutSpec, where: SQL, { experiments }: RolloutPorts): Promise<void> {
  const [busy] = supersede ? [] : ((await experiments?.(where)) ?? []);
  if (busy === undefined) return;
  throw new StarlingError('experiment-running', `${busy.devices} of its devices take part in the experiment ${busy.name}`, {
    field: 'selector',
    hint: `end ${busy.name}, or "supersede: true" to take the devices out of it`,
  });
}

async function chooseForSample(
  release: string,
  sample: readonly Sampled[],
  ports: RolloutPorts,
): Promise<Pick<Checked, 'chosen' | 'refused'>> {
  const { choices, chosen, refused, running } = await ports.desiredStates.chooseMany(
    release,
    sample.map(({ device }) => device),
  );
  const bytesToMove = createByteCounter(ports);
  const found: Pick<Checked, 'chosen' | 'refused'> = { chosen: [], refused: [] };
  for (const of of sample) {
    const stands = of.group_devices / of.drawn;
    const error = refused.get(of.device);
    if (error !== undefined) found.refused.push({ of, stands, error });
    const choice = choices[chosen.get(of.device) ?? -1];
    if (choice === undefined) continue;
    const from = running.get(of.device) ?? nowhere;
    const bytes = await bytesToMove(from, choice);
    found.chosen.push({ of, stands, reasons: choice.reasons, artefacts: choice.artefacts, bytes, before: from.artefacts });
  }
  return found;
}

export async function previewRollout(spec: RolloutSpec, all: boolean, ports: RolloutPorts): Promise<RolloutPreview> {
  const checked = await checkRollout(spec, all, ports);
  const { release, matched, chosen, refused, where } = checked;
  const total = matched.matched - matched.unchanged;
  const sizes = chosen.map(({ bytes }) => bytes);
  const totalBytes = Math.round(chosen.reduce((sum, { bytes, stands }) => sum + bytes * stands, 0));
  const perDevice = { low: Math.min(...sizes, Number.MAX_SAFE_INTEGER), high: Math.max(...sizes, 0) };
  const bytes = { total: totalBytes, perDevice: sizes.length === 0 ? { low: 0, high: 0 } : perDevice };
  return {
    ...{ release: release.digest, releaseName: release.document.name },
    ...{ devices: matched.matched, unchanged: matched.unchanged, online: matched.online, sampled: chosen.length + refused.length },
    artefacts: artefactsIn(chosen),
    samples: chosen
      .slice(0, SAMPLES_SHOWN)
      .map(({ of, artefacts, bytes: own }) => ({ device: of.device, name: of.name, profile: of.profile, bytes: own, artefacts })),
    bytes,
    estimate: estimateOf(spec, total, bytes),
    energy: energyOf(chosen),
    waves: planSteps(spec).map(({ name, kind, step }, index) => ({ step: index, name, kind, devices: quotaOf(step, total) ?? 0 })),
    obstacles: [
      ...obstaclesOf(refused),
      ...(await obstaclesIn(ports.db, where, spec)).map((found) => ({ ...found, text: obstacleTexts[found.code] ?? found.code })),
    ],
  };
}

function artefactsIn(chosen: readonly Chosen[]): RolloutPreview['artefacts'] {
  const found = new Map<string, RolloutPreview['artefacts'][number]>();
  for (const { reasons, stands } of chosen) {
    for (const [model, { artefact, precision, sizeBytes, candidates }] of Object.entries(reasons)) {
      const optimisation = candidates.find((candidate) => candidate.artefact === artefact)?.optimisation ?? '';
      const known = found.get(`${model} ${artefact}`) ?? {
        model,
        artefact,
        kind: artefactKind({ precision, optimisation }),
        sizeBytes,
        devices: 0,
      };
      found.set(`${model} ${artefact}`, { ...known, devices: known.devices + stands });
    }
  }
  return [...found.values()]
    .map((each) => ({ ...each, devices: Math.round(each.devices) }))
    .sort((a, b) => a.model.localeCompare(b.model) || b.devices - a.devices);
}

const obstacleTexts: Readonly<Record<string, string>> = {
  offline: 'are offline: they follow when they come back',
  'other-profile': 'are of another profile than the rollout requires: they are skipped',
  'agent-too-old': 'have an older agent than the rollout requires: they are skipped',
  'unknown-time-zone': 'have a label "timezone" that names no time zone: that of the rollout holds',
};

function obstaclesOf(refused: readonly Refused[]): RolloutPreview['obstacles'] {
  const byReason = Map.groupBy(refused, ({ error }) => error.code);
  return [...byReason].map(([code, group]) => ({
    code,
    text: `cannot run it: ${group[0]?.error.message ?? code}`,
    devices: Math.round(group.reduce((sum, { stands }) => sum + stands, 0)),
    examples: group.slice(0, EXAMPLES_SHOWN).map(({ of }) => of.name),
  }));
}

/** What limits and waits make of it, at least and at most. */
function estimateOf(spec: RolloutSpec, total: number, bytes: RolloutPreview['bytes']): RolloutPreview['estimate'] {
  const steps = planSteps(spec);
  const waits = leastWaitingMs(steps);
  const moving = steps.filter(({ kind }) => kind.startsWith('set')).length;
  const minutes = (count: number, perMinute: number): number => (count / perMinute) * 60_000;
  const perDeviceMs = INSTALL_MS + (bytes.perDevice.high / BYTES_PER_SECOND_LOW) * 1000;
  const rounds = Math.ceil(total / spec.maxInFlight) + moving - 1;
  const perMinute = spec.rate === undefined ? undefined : (spec.rate.growth?.maximumPerMinute ?? spec.rate.perMinute);
  const byLimits = Math.max(
    perMinute === undefined ? 0 : minutes(total, perMinute),
    spec.bandwidthBytesPerMinute === undefined ? 0 : minutes(bytes.total, spec.bandwidthBytesPerMinute),
  );
  const slowest = spec.rate === undefined ? 0 : minutes(total, spec.rate.perMinute);
  const lowMs = Math.round(waits.ms + Math.max(byLimits, rounds * INSTALL_MS));
  const highMs = Math.round(waits.ms + Math.max(byLimits, slowest, rounds * Math.min(perDeviceMs, durationMs(spec.deviceTimeout))));
  const window = spec.windows === undefined ? '' : '; time outside the maintenance windows comes on top';
  return {
    lowMs,
    highMs: waits.people ? null : Math.max(lowMs, highMs),
    basis: `limits, waits of the steps, ${INSTALL_MS / 1000} s to install, 0.25 to unlimited MB/s to fetch${window}${waits.people ? '; steps wait for people' : ''}`,
  };
}

/** Joules of one inference over all models, now and then, over the devices for which both are known. */
function energyOf(chosen: readonly Chosen[]): RolloutPreview['energy'] {
  const joules = (reasons: Chosen['reasons'], artefacts: Readonly<Record<string, string>>): number | undefined => {
    // Without a model nothing was ever measured: that is not nothing.
    if (Object.keys(reasons).length === 0) return undefined;
    let sum = 0;
    for (const [model, { candidates }] of Object.entries(reasons)) {
      const figure = candidates.find(({ artefact }) => artefact === artefacts[model])?.figures?.joulesPerInference;
      if (figure === null || figure === undefined) return undefined;
      sum += figure.value;
    }
    return sum;
  };
  const mean = (pick: (each: Chosen) => number | undefined): { value: number | null; devices: number } => {
    const known = chosen.flatMap((each) => {
      const value = pick(each);
      return value === undefined ? [] : [{ value, weight: each.stands }];
    });
    const weight = known.reduce((sum, each) => sum + each.weight, 0);
    return {
      value: weight === 0 ? null : known.reduce((sum, each) => sum + each.value * each.weight, 0) / weight,
      devices: Math.round(weight),
    };
  };
  const then = mean(({ reasons, artefacts }) => joules(reasons, artefacts));
  const now = mean(({ reasons, before }) => joules(reasons, before));
  const basis =
    then.value === null
      ? chosen.some(({ reasons }) => Object.keys(reasons).length > 0)
        ? 'nobody has measured these artefacts'
        : 'unknown: energy is measured of models, and its pipelines have none'
      : `measured or estimated for ${then.devices} devices${now.value === null ? '; what they run now is of other model versions, or was not measured' : ''}`;
  return { joulesPerInferenceNow: now.value, joulesPerInferenceThen: then.value, basis };
}
