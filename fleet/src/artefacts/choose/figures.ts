import { type ArtefactView, type ChoiceFigure, type ChoiceFigures, wattsAt } from '@starling/shared';
import type { ChoiceProfile } from './refuse.ts';

/** What `benchmark` found for one artefact, on one device or as medians over the devices of a profile. */
export interface Measurement {
  latencyMs: number;
  latencyMsP95: number;
  joulesPerInference: number | null;
  memoryBytes: number | null;
  /** Devices behind the figures. */
  devices: number;
}

/** Price of a move over the network, spread over what a release infers before the next one replaces it. */
export interface TransferPrice {
  usdPerGigabyte: number;
  inferencesPerRelease: number;
}

/** Loaded models take more memory than their files: weights as floats, and activations. An estimate until measured. */
const MEMORY_FACTOR = 5;

/**
 * Time of one run against the fp32 source, where a precision is accelerated and where it is not. Our own estimates, from the orders of
 * magnitude of `e2e/bench/results/quantise.json` and published comparisons; any measurement replaces them.
 */
const SPEED: Readonly<Record<string, { accelerated: number; otherwise: number }>> = {
  source: { accelerated: 1, otherwise: 1 },
  optimised: { accelerated: 0.95, otherwise: 0.95 },
  'weights-int8': { accelerated: 1, otherwise: 1 },
  'weights-int4': { accelerated: 1.1, otherwise: 1.3 },
  fp16: { accelerated: 0.6, otherwise: 1.5 },
  'dynamic-int8': { accelerated: 0.9, otherwise: 1.6 },
  'static-int8': { accelerated: 0.6, otherwise: 1.3 },
};

export function methodOf(candidate: ArtefactView): string {
  const recipe = candidate.document.provenance?.recipe;
  if (recipe !== undefined) return recipe.method;
  return candidate.optimisation === 'weights-int8-per-channel' ? 'weights-int8' : 'source';
}

/** Estimated time of a run, as a share of that of the fp32 source on the same device. */
export function relativeLatency(candidate: ArtefactView, profile: Pick<ChoiceProfile, 'acceleratedPrecisions'>): number {
  const { acceleratedPrecisions: precisions } = profile;
  const speed = SPEED[methodOf(candidate)] ?? { accelerated: 1, otherwise: 1 };
  const place = precisions.indexOf(candidate.precision);
  return place !== -1 && place < precisions.indexOf('fp32') ? speed.accelerated : speed.otherwise;
}

/** One figure of each candidate, by place; NaN where nothing is known. */
export interface Column {
  value: Float64Array;
  /** 0: on this device, 1: on its profile, 2: estimate. */
  origin: Uint8Array;
}
const ORIGINS = ['this-device', 'profile', 'estimate'] as const;
export const ESTIMATED = ORIGINS.indexOf('estimate');

/** All figures of all candidates on one device, as numbers: whole fleets are ranked by them. */
export interface Numbers {
  latencyMs: Column;
  latencyMsP95: Column;
  joulesPerInference: Column;
  memoryBytes: Column;
  costPer1000Usd: Column;
  sizeBytes: Float64Array;
  accuracyLossPoints: Float64Array;
  /** What all estimates were worked out from; undefined if nothing was measured of any candidate. */
  reference: Reference | undefined;
}

/** A measured candidate that stands for those that were not measured. */
interface Reference {
  candidate: ArtefactView;
  measured: Measurement;
  origin: 'this-device' | 'profile';
}

/**
 * What is measured here stands before what is measured on the profile. What was never measured is estimated from one reference, every
 * figure from the same: a median of one artefact beside a power model of another would compare what cannot be compared.
 */
export function numbersOf(
  candidates: readonly ArtefactView[],
  profile: ChoiceProfile,
  here: ReadonlyMap<string, Measurement> | undefined,
  elsewhere: ReadonlyMap<string, Measurement> | undefined,
  transfer: TransferPrice,
): Numbers {
  const count = candidates.length;
  const numbers: Numbers = {
    latencyMs: columnOf(count),
    latencyMsP95: columnOf(count),
    joulesPerInference: columnOf(count),
    memoryBytes: columnOf(count),
    costPer1000Usd: columnOf(count),
    sizeBytes: new Float64Array(count),
    accuracyLossPoints: new Float64Array(count),
    reference: referenceAmong(candidates, here, elsewhere),
  };
  const watts = wattsAt(profile.powerModel, 1) - wattsAt(profile.powerModel, 0);
  for (let place = 0; place < count; place += 1) {
    const candidate = candidates[place] as ArtefactView;
    const own = here?.get(candidate.digest);
    const others = elsewhere?.get(candidate.digest);
    const { sizeBytes } = candidate;
    const estimate = estimateOf(candidate, numbers.reference, candidates, profile);
    const latencyMs = put(numbers.latencyMs, place, own?.latencyMs, others?.latencyMs, estimate.latencyMs);
    put(numbers.latencyMsP95, place, own?.latencyMsP95, others?.latencyMsP95, estimate.latencyMsP95);
    const joules = estimate.joulesPerInference ?? (watts * latencyMs) / 1000;
    put(numbers.joulesPerInference, place, own?.joulesPerInference, others?.joulesPerInference, joules);
    put(numbers.memoryBytes, place, own?.memoryBytes, others?.memoryBytes, estimate.memoryBytes ?? sizeBytes * MEMORY_FACTOR);
    numbers.costPer1000Usd.value[place] = costOf(latencyMs, sizeBytes, profile, transfer);
    numbers.costPer1000Usd.origin[place] = numbers.latencyMs.origin[place] as number;
    numbers.sizeBytes[place] = sizeBytes;
    numbers.accuracyLossPoints[place] = accuracyLoss(candidate);
  }
  return numbers;
}

function columnOf(count: number): Column {
  return { value: new Float64Array(count), origin: new Uint8Array(count) };
}

/** @returns what was put */
function put(
  { value, origin }: Column,
  place: number,
  own: number | null | undefined,
  others: number | null | undefined,
  estimate: number,
): number {
  const from = own !== null && own !== undefined ? 0 : others !== null && others !== undefined ? 1 : 2;
  const known = [own, others, estimate][from] as number;
  value[place] = known;
  origin[place] = from;
  return known;
}

/** The same figures for people. */
export function figuresOf(candidates: readonly ArtefactView[], numbers: Numbers): ChoiceFigures[] {
  const figure = ({ value, origin }: Column, place: number): ChoiceFigure | null => {
    const known = value[place] ?? Number.NaN;
    return Number.isNaN(known) ? null : { value: known, origin: ORIGINS[origin[place] ?? 2] ?? 'estimate' };
  };
  const { reference } = numbers;
  return candidates.map((candidate, place) => {
    const loss = numbers.accuracyLossPoints[place] ?? Number.NaN;
    return {
      latencyMs: figure(numbers.latencyMs, place),
      latencyMsP95: figure(numbers.latencyMsP95, place),
      joulesPerInference: figure(numbers.joulesPerInference, place),
      memoryBytes: figure(numbers.memoryBytes, place) ?? { value: candidate.sizeBytes * MEMORY_FACTOR, origin: 'estimate' },
      costPer1000Usd: figure(numbers.costPer1000Usd, place),
      accuracyLossPoints: Number.isNaN(loss) ? null : loss,
      ...(numbers.latencyMs.origin[place] === ESTIMATED && reference !== undefined
        ? { estimatedFrom: { artefact: reference.candidate.digest, origin: reference.origin } }
        : {}),
    };
  });
}

/** The device's own measurements count first, then the source as it was pushed, then whatever was measured. */
function referenceAmong(
  candidates: readonly ArtefactView[],
  here: ReadonlyMap<string, Measurement> | undefined,
  elsewhere: ReadonlyMap<string, Measurement> | undefined,
): Reference | undefined {
  for (const [origin, known] of [['this-device', here] as const, ['profile', elsewhere] as const]) {
    if (known === undefined || known.size === 0) continue;
    let best: Reference | undefined;
    for (const candidate of candidates) {
      const measured = known.get(candidate.digest);
      if (measured !== undefined && (best === undefined || comesBefore(candidate, best.candidate))) best = { candidate, measured, origin };
    }
    if (best !== undefined) return best;
  }
  return undefined;
}

/** By digest where neither is the source: the reference must not depend on the order of the rows. */
function comesBefore(candidate: ArtefactView, other: ArtefactView): boolean {
  const [isSource, isOtherSource] = [methodOf(candidate) === 'source', methodOf(other) === 'source'];
  return isSource === isOtherSource ? candidate.digest < other.digest : isSource;
}

/** The figures of the reference, scaled to another artefact; null where the reference has none. */
function estimateOf(
  candidate: ArtefactView,
  reference: Reference | undefined,
  candidates: readonly ArtefactView[],
  profile: ChoiceProfile,
): Pick<Measurement, 'latencyMs' | 'latencyMsP95' | 'joulesPerInference' | 'memoryBytes'> {
  if (reference === undefined) return { latencyMs: Number.NaN, latencyMsP95: Number.NaN, joulesPerInference: null, memoryBytes: null };
  const { measured } = reference;
  const share = relativeLatency(candidate, profile) / relativeLatency(reference.candidate, profile);
  const { joulesPerInference, memoryBytes } = measured;
  const moreBytes = loadedBytes(candidate, candidates) - loadedBytes(reference.candidate, candidates);
  return {
    latencyMs: measured.latencyMs * share,
    latencyMsP95: measured.latencyMsP95 * share,
    joulesPerInference: joulesPerInference === null ? null : joulesPerInference * share,
    // Activations are the same; weights are as large as they are held. Never below the weights themselves.
    memoryBytes: memoryBytes === null ? null : Math.max(memoryBytes + moreBytes, candidate.sizeBytes),
  };
}

/** Weights in memory: int8 weights alone are turned back into floats at load, and are then as large as those of the largest artefact. */
function loadedBytes(candidate: ArtefactView, candidates: readonly ArtefactView[]): number {
  if (methodOf(candidate) !== 'weights-int8') return candidate.sizeBytes;
  return candidates.reduce((most, { sizeBytes }) => Math.max(most, sizeBytes), candidate.sizeBytes);
}

/** Points that an artefact loses, at the worse end of its interval; NaN if nobody measured. fp32 loses nothing by construction. */
function accuracyLoss({ report, precision }: ArtefactView): number {
  return report.accuracy?.lossPoints.high ?? (precision === 'fp32' ? 0 : Number.NaN);
}

function costOf(latencyMs: number, sizeBytes: number, { pricePerHourUsd }: ChoiceProfile, transfer: TransferPrice): number {
  if (pricePerHourUsd === undefined) return Number.NaN;
  const moved = ((sizeBytes / 1e9) * transfer.usdPerGigabyte) / transfer.inferencesPerRelease;
  return 1000 * ((latencyMs / 3_600_000) * pricePerHourUsd.value + moved);
}
