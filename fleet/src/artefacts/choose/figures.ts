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
interface Column {
  value: Float64Array;
  /** 0: on this device, 1: on its profile, 2: estimate. */
  origin: Uint8Array;
}
const ORIGINS = ['this-device', 'profile', 'estimate'] as const;

/** All figures of all candidates on one device, as numbers: whole fleets are ranked by them. */
export interface Numbers {
  latencyMs: Column;
  latencyMsP95: Column;
  joulesPerInference: Column;
  memoryBytes: Column;
  costPer1000Usd: Column;
  sizeBytes: Float64Array;
  accuracyLossPoints: Float64Array;
}

/**
 * What is measured here stands before what is measured on the profile; a latency that was never measured is scaled from one that was,
 * and stays unknown if none was.
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
  };
  const referenceMs = referenceLatency(candidates, profile, here, elsewhere) ?? Number.NaN;
  const watts = wattsAt(profile.powerModel, 1) - wattsAt(profile.powerModel, 0);
  for (let place = 0; place < count; place += 1) {
    const candidate = candidates[place] as ArtefactView;
    const own = here?.get(candidate.digest);
    const others = elsewhere?.get(candidate.digest);
    const { sizeBytes } = candidate;
    const latencyMs = put(numbers.latencyMs, place, own?.latencyMs, others?.latencyMs, referenceMs * relativeLatency(candidate, profile));
    put(numbers.latencyMsP95, place, own?.latencyMsP95, others?.latencyMsP95, latencyMs);
    put(numbers.joulesPerInference, place, own?.joulesPerInference, others?.joulesPerInference, (watts * latencyMs) / 1000);
    put(numbers.memoryBytes, place, own?.memoryBytes, others?.memoryBytes, sizeBytes * MEMORY_FACTOR);
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
  return candidates.map((candidate, place) => {
    const loss = numbers.accuracyLossPoints[place] ?? Number.NaN;
    return {
      latencyMs: figure(numbers.latencyMs, place),
      latencyMsP95: figure(numbers.latencyMsP95, place),
      joulesPerInference: figure(numbers.joulesPerInference, place),
      memoryBytes: figure(numbers.memoryBytes, place) ?? { value: candidate.sizeBytes * MEMORY_FACTOR, origin: 'estimate' },
      costPer1000Usd: figure(numbers.costPer1000Usd, place),
      accuracyLossPoints: Number.isNaN(loss) ? null : loss,
    };
  });
}

/** Latency of the fp32 source as any measurement of any artefact implies it; the device's own ones count first. */
function referenceLatency(
  candidates: readonly ArtefactView[],
  profile: ChoiceProfile,
  here: ReadonlyMap<string, Measurement> | undefined,
  elsewhere: ReadonlyMap<string, Measurement> | undefined,
): number | undefined {
  for (const measured of [here, elsewhere]) {
    if (measured === undefined || measured.size === 0) continue;
    for (const candidate of candidates) {
      const latencyMs = measured.get(candidate.digest)?.latencyMs;
      if (latencyMs !== undefined) return latencyMs / relativeLatency(candidate, profile);
    }
  }
  return undefined;
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
