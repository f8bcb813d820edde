import { type ArtefactChoice, type ArtefactView, type Capabilities, type DeviceProfile, FALLBACKS_MAXIMUM } from '@starling/shared';

/** An artefact that differs more than this from fp32 on golden inputs is not chosen by itself: something went wrong in building it. */
export const ERROR_BUDGET = 0.35;
/** Loaded models take more memory than their files: weights as floats, and activations. */
const MEMORY_FACTOR = 5;

export interface ChoiceInput {
  candidates: readonly ArtefactView[];
  profile: Pick<DeviceProfile, 'title' | 'executionProviders' | 'acceleratedPrecisions' | 'memoryBudgetBytes'>;
  capabilities: Pick<Capabilities, 'executionProviders'>;
  requiredProviders?: readonly string[] | undefined;
}

/**
 * Chooses the artefact of one model for one device: those that cannot run or fit there are out, then the fastest class wins, then the
 * fewest bytes.
 * @returns undefined if none can run; the verdicts say why
 */
export function chooseArtefact(input: ChoiceInput): { choice: ArtefactChoice | undefined; verdicts: ArtefactChoice['candidates'] } {
  const judged = input.candidates.map((candidate) => ({ candidate, refusal: refusalOf(candidate, input), rank: rankOf(candidate, input) }));
  const possible = judged.filter((each) => each.refusal === undefined);
  possible.sort(
    (a, b) => a.rank - b.rank || a.candidate.sizeBytes - b.candidate.sizeBytes || (a.candidate.digest < b.candidate.digest ? -1 : 1),
  );
  const winner = possible[0];
  const verdicts = judged.map(({ candidate, refusal, rank }) => ({
    artefact: candidate.digest,
    precision: candidate.precision,
    sizeBytes: candidate.sizeBytes,
    chosen: candidate === winner?.candidate,
    verdict: refusal ?? (candidate === winner?.candidate ? 'chosen' : comparison(candidate, rank, winner?.candidate, winner?.rank)),
  }));
  if (winner === undefined) return { choice: undefined, verdicts };
  const { digest, precision, sizeBytes } = winner.candidate;
  const fallbacks = possible.slice(1, 1 + FALLBACKS_MAXIMUM).map(({ candidate }) => candidate.digest);
  return {
    choice: {
      artefact: digest,
      precision,
      sizeBytes,
      reason: reasonOf(winner.candidate, winner.rank, input),
      fallbacks,
      candidates: verdicts,
    },
    verdicts,
  };
}

/** Execution providers that the device offers and that really ran there, in the profile's order. */
function usableProviders({ profile, capabilities, requiredProviders }: ChoiceInput): string[] {
  const ran = new Set(capabilities.executionProviders.filter((provider) => provider.ran).map((provider) => provider.name));
  return profile.executionProviders.filter((provider) => ran.has(provider) && (requiredProviders?.includes(provider) ?? true));
}

function refusalOf(candidate: ArtefactView, input: ChoiceInput): string | undefined {
  const usable = usableProviders(input);
  if (!usable.some((provider) => candidate.executionProviders.includes(provider))) {
    return `runs on ${candidate.executionProviders.join(', ')}; this device offers ${usable.join(', ') || 'none of the allowed providers'}`;
  }
  if (candidate.report.maximumError > ERROR_BUDGET) {
    return `differs by ${percent(candidate.report.maximumError)} from fp32, over the ${percent(ERROR_BUDGET)} that are allowed`;
  }
  if (candidate.sizeBytes * MEMORY_FACTOR > input.profile.memoryBudgetBytes) {
    return `needs about ${megabytes(candidate.sizeBytes * MEMORY_FACTOR)} of memory, the profile allows ${megabytes(input.profile.memoryBudgetBytes)}`;
  }
  return undefined;
}

/** Position of the precision that computes in the profile's list. Weights that are dequantised at load compute in fp32. */
function rankOf(candidate: ArtefactView, { profile }: ChoiceInput): number {
  const computes = candidate.optimisation === 'weights-int8-per-channel' ? 'fp32' : candidate.precision;
  const position = profile.acceleratedPrecisions.indexOf(computes);
  return position === -1 ? profile.acceleratedPrecisions.length : position;
}

function reasonOf(candidate: ArtefactView, rank: number, input: ChoiceInput): string {
  const fp32 = input.candidates.find((each) => each.precision === 'fp32');
  const provider = usableProviders(input).find((each) => candidate.executionProviders.includes(each));
  if (candidate.optimisation === 'weights-int8-per-channel' && fp32 !== undefined) {
    const share = percent(candidate.sizeBytes / fp32.sizeBytes);
    return `int8 weights are ${share} of the bytes of fp32 and are dequantised at load, so it runs at fp32 speed on ${provider}; it differs by ${percent(candidate.report.maximumError)} on golden inputs`;
  }
  const accelerated = input.profile.acceleratedPrecisions[rank] === candidate.precision;
  return `${candidate.precision} on ${provider}: ${accelerated ? `accelerated on ${input.profile.title}` : 'the only one that can run here'}`;
}

function comparison(candidate: ArtefactView, rank: number, winner: ArtefactView | undefined, winnerRank: number | undefined): string {
  if (winner === undefined || winnerRank === undefined) return 'not chosen';
  if (rank > winnerRank) return `computes in a slower precision than ${winner.precision} on this profile`;
  return `same speed class, but ${megabytes(candidate.sizeBytes)} instead of ${megabytes(winner.sizeBytes)} to pull and keep`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
