import { type ArtefactView, type ChoiceFigures, type Objective, type ObjectiveGoal, objectiveSchema } from '@starling/shared';
import {
  type Column,
  ESTIMATED,
  figuresOf,
  type Measurement,
  type Numbers,
  numbersOf,
  relativeLatency,
  type TransferPrice,
} from './figures.ts';
import { type ChoiceCapabilities, type ChoiceProfile, refusalOf, runtimeOf, unprovenExcess } from './refuse.ts';

/** A model with everything that choosing rests on, the same for every device. */
export interface ChoiceModel {
  candidates: readonly ArtefactView[];
  objective?: Objective | undefined;
  requiredProviders?: readonly string[] | undefined;
  /** Profile -> artefact -> medians over the devices of the profile. */
  measuredOnProfiles?: ReadonlyMap<string, ReadonlyMap<string, Measurement>> | undefined;
  transfer?: TransferPrice | undefined;
}

export interface ChoiceDevice {
  profile: ChoiceProfile;
  capabilities: ChoiceCapabilities;
  /** Artefact -> what was measured on this very device. */
  measuredHere?: ReadonlyMap<string, Measurement> | undefined;
  /** What the device runs now: kept unless something is clearly better. */
  current?: string | undefined;
  /** Artefacts that this device refused by itself, with the reason. */
  refusedHere?: ReadonlyMap<string, string> | undefined;
}

/** Places in `candidates`; the numbers behind them; nothing in words. */
export interface RankedChoice {
  winner: number | undefined;
  /** Of all that can run, best first; the winner leads. */
  order: readonly number[];
  /** False if no candidate is within all limits: the winner is the nearest. */
  meetsObjective: boolean;
  /** True if the winner is only what runs already, within the margin of a better one. */
  kept: boolean;
  objective: Objective;
  /** Worked out when asked for: a whole fleet is ranked without a word. */
  figures(): readonly ChoiceFigures[];
  refusals: readonly (string | undefined)[];
  /** Share by which each candidate breaks its worst limit; 0 within all. */
  excess: ArrayLike<number>;
}

/** Better by less than this is no reason to move bytes, or to choose another than last time. */
const STABLE_MARGIN = 0.05;
/** What nobody knows about transfers: nothing per byte, and a million inferences before the next release. */
const FREE_TRANSFER: TransferPrice = { usdPerGigabyte: 0, inferencesPerRelease: 1_000_000 };

/** Chooses the artefact of one model for one device after the other. Pure: equal arguments, equal choices, in any order of devices. */
export interface Chooser {
  choose(device: ChoiceDevice): RankedChoice;
}

/** What all devices of a profile that offer the same share: worked out once. */
interface Shared {
  refusals: readonly (string | undefined)[];
  scores: Scores;
  order: readonly number[];
}
/** By place of the candidate. */
interface Scores {
  score: Float64Array;
  /** Scores in steps that count as equal. */
  bucket: Float64Array;
  excess: Float64Array;
  /** 1 where the score is no measurement. */
  isEstimate: Uint8Array;
}

export function createChooser(model: ChoiceModel): Chooser {
  const { candidates, requiredProviders, measuredOnProfiles, transfer = FREE_TRANSFER } = model;
  const objective = model.objective ?? objectiveSchema.parse({});
  const known = new Map<string, Shared>();
  const numbersFor = ({ profile, measuredHere }: ChoiceDevice): Numbers =>
    numbersOf(candidates, profile, measuredHere, measuredOnProfiles?.get(profile.name), transfer);
  const sharedFor = (device: ChoiceDevice): Shared => {
    const key = signatureOf(device);
    const before = known.get(key);
    if (before !== undefined) return before;
    const { profile, capabilities } = device;
    const refusals = candidates.map((candidate) => refusalOf(candidate, profile, capabilities, requiredProviders));
    const scores = scoresOf(candidates, numbersFor({ profile, capabilities }), profile, objective);
    const made = { refusals, scores, order: orderOf(candidates, refusals, scores) };
    known.set(key, made);
    return made;
  };
  return {
    choose(device) {
      const shared = sharedFor(device);
      const { measuredHere, profile, refusedHere, current } = device;
      const isMeasured = measuredHere !== undefined && measuredHere.size > 0;
      const isRefusing = refusedHere !== undefined && refusedHere.size > 0;
      const scores = isMeasured ? scoresOf(candidates, numbersFor(device), profile, objective) : shared.scores;
      const refusals = isRefusing
        ? candidates.map((candidate, place) => shared.refusals[place] ?? refusedHere.get(candidate.digest))
        : shared.refusals;
      const order = isMeasured || isRefusing ? orderOf(candidates, refusals, scores) : shared.order;
      const figures = (): readonly ChoiceFigures[] => figuresOf(candidates, numbersFor(device));
      return { ...pickOf(candidates, order, scores, current), objective, figures, refusals, excess: scores.excess };
    },
  };
}

/** What decides refusals: devices that agree in it share them. */
function signatureOf({ profile, capabilities }: ChoiceDevice): string {
  const { architecture, cpu, executionProviders } = capabilities;
  const vnni = cpu.isa.includes('avx512_vnni') || cpu.isa.includes('avx_vnni');
  const half = cpu.isa.includes('shader-f16');
  let key = `${profile.name} ${architecture} ${vnni} ${half} ${runtimeOf(capabilities)}`;
  for (const provider of executionProviders) if (provider.ran) key += ` ${provider.name}`;
  // Power, price and budget of a profile are scaled to a device.
  return `${key} ${profile.powerModel.maximumWatts} ${profile.pricePerHourUsd?.value ?? 0} ${profile.memoryBudgetBytes}`;
}

function scoresOf(candidates: readonly ArtefactView[], numbers: Numbers, profile: ChoiceProfile, objective: Objective): Scores {
  const score = new Float64Array(candidates.length);
  const bucket = new Float64Array(candidates.length);
  const excess = new Float64Array(candidates.length);
  const isEstimate = new Uint8Array(candidates.length);
  const goal = goalOf(objective.minimise, numbers);
  for (let place = 0; place < candidates.length; place += 1) {
    const candidate = candidates[place] as ArtefactView;
    const value = goal.value[place] as number;
    isEstimate[place] = Number.isNaN(value) || goal.origin[place] === ESTIMATED ? 1 : 0;
    score[place] = Number.isNaN(value) ? relativeLatency(candidate, profile) : value;
    bucket[place] = bucketOf(score[place] as number);
    excess[place] = excessOf(place, candidate, numbers, profile, objective);
  }
  return { score, bucket, excess, isEstimate };
}

/** The figure that is made small. NaN where nothing was measured: then shares of the fp32 source stand for all candidates. */
function goalOf(goal: ObjectiveGoal, numbers: Numbers): Column {
  switch (goal) {
    case 'latency':
      return numbers.latencyMs;
    case 'energy':
      return numbers.joulesPerInference;
    case 'memory':
      return numbers.memoryBytes;
    case 'size':
      return { value: numbers.sizeBytes, origin: new Uint8Array(numbers.sizeBytes.length) };
    case 'cost':
      return numbers.costPer1000Usd;
  }
}

/** By which share the worst limit is broken. A limit on what nobody knows is not broken: it is shown as unknown. */
function excessOf(place: number, candidate: ArtefactView, numbers: Numbers, profile: ChoiceProfile, objective: Objective): number {
  const memory = numbers.memoryBytes.value[place];
  const worst = Math.max(
    over(numbers.latencyMsP95.value[place], objective.latencyMsP95Maximum),
    over(numbers.joulesPerInference.value[place], objective.joulesPerInferenceMaximum),
    over(memory, objective.memoryBytesMaximum),
    over(memory, profile.memoryBudgetBytes),
    over(candidate.sizeBytes, objective.sizeBytesMaximum),
    over(numbers.costPer1000Usd.value[place], objective.costPer1000Maximum),
  );
  const loss = numbers.accuracyLossPoints[place] as number;
  // One point over the budget counts as one whole limit, so that a budget of 0 is a budget too.
  return Math.max(worst, Number.isNaN(loss) ? unprovenExcess(candidate, objective) : loss - objective.accuracyLossPointsMaximum);
}

function over(value: number | undefined, maximum: number | undefined): number {
  if (value === undefined || maximum === undefined || Number.isNaN(value)) return 0;
  return Math.max(0, value / maximum - 1);
}

/**
 * Order of preference: within all limits before over them (there, the nearest first), then the smaller score. Scores of one step count
 * as equal: then what was measured stands before an estimate, the smaller file before the larger, and the digest decides at last, so
 * that the order never depends on that of the rows.
 */
function orderOf(candidates: readonly ArtefactView[], refusals: readonly (string | undefined)[], scores: Scores): number[] {
  const { bucket, excess, isEstimate } = scores;
  const order: number[] = [];
  for (let place = 0; place < candidates.length; place += 1) if (refusals[place] === undefined) order.push(place);
  return order.sort((a, b) => {
    const difference =
      (excess[a] as number) - (excess[b] as number) ||
      (bucket[a] as number) - (bucket[b] as number) ||
      (isEstimate[a] as number) - (isEstimate[b] as number);
    if (difference !== 0) return difference;
    const [first, second] = [candidates[a] as ArtefactView, candidates[b] as ArtefactView];
    return first.sizeBytes - second.sizeBytes || (first.digest < second.digest ? -1 : 1);
  });
}

/** The first of the order, unless what runs now is as good within the margin. */
function pickOf(
  candidates: readonly ArtefactView[],
  order: readonly number[],
  { score, excess }: Scores,
  current: string | undefined,
): Pick<RankedChoice, 'winner' | 'order' | 'meetsObjective' | 'kept'> {
  const best = order[0];
  if (best === undefined) return { winner: undefined, order, meetsObjective: false, kept: false };
  const meetsObjective = excess[best] === 0;
  const running = current === undefined ? undefined : order.find((place) => candidates[place]?.digest === current);
  const isAsGood =
    running !== undefined &&
    running !== best &&
    excess[running] === excess[best] &&
    (score[running] as number) <= (score[best] as number) * (1 + STABLE_MARGIN);
  if (!isAsGood) return { winner: best, order, meetsObjective, kept: false };
  return { winner: running, order: [running, ...order.filter((place) => place !== running)], meetsObjective, kept: true };
}

/** Steps of half a percent on a logarithmic scale: an order by pairs "about equal" would not be transitive. */
function bucketOf(score: number): number {
  return score <= 0 ? Number.NEGATIVE_INFINITY : Math.round(Math.log(score) * 200);
}
