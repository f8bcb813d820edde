import type { ArtefactChoice, ArtefactView, ChoiceFigure, ChoiceFigures, Objective, ObjectiveGoal } from '@starling/shared';
import type { ChoiceDevice, RankedChoice } from './choose-artefact.ts';
import { methodOf } from './figures.ts';
import { ERROR_BUDGET, SIMILARITY_DB_MINIMUM, usableProviders } from './refuse.ts';

const GOALS: Readonly<Record<ObjectiveGoal, string>> = {
  latency: 'least latency',
  energy: 'least energy',
  memory: 'least memory',
  size: 'fewest bytes',
  cost: 'least cost',
};

/** A ranked choice in words, for people: what was taken, what came second, and what was wrong with each other candidate. */
export function explainChoice(
  ranked: RankedChoice,
  candidates: readonly ArtefactView[],
  device: ChoiceDevice,
  requiredProviders?: readonly string[],
): { choice: ArtefactChoice | undefined; candidates: ArtefactChoice['candidates'] } {
  const figures = ranked.figures();
  const verdicts = candidates.map((candidate, place) => ({
    artefact: candidate.digest,
    precision: candidate.precision,
    optimisation: candidate.optimisation,
    sizeBytes: candidate.sizeBytes,
    chosen: place === ranked.winner,
    verdict: verdictOf(place, ranked, candidates, figures),
    figures: figures[place] as ChoiceFigures,
  }));
  const winner = ranked.winner === undefined ? undefined : candidates[ranked.winner];
  if (winner === undefined) return { choice: undefined, candidates: verdicts };
  const usable = usableProviders(device.profile, device.capabilities, requiredProviders);
  const provider = usable.find((each) => winner.executionProviders.includes(each)) ?? 'cpu';
  return {
    candidates: verdicts,
    choice: {
      artefact: winner.digest,
      precision: winner.precision,
      sizeBytes: winner.sizeBytes,
      reason: reasonOf(ranked, candidates, device, provider, figures),
      meetsObjective: ranked.meetsObjective,
      fallbacks: ranked.order.slice(1, 4).map((place) => (candidates[place] as ArtefactView).digest),
      objective: ranked.objective,
      candidates: verdicts,
    },
  };
}

function reasonOf(
  ranked: RankedChoice,
  candidates: readonly ArtefactView[],
  device: ChoiceDevice,
  provider: string,
  all: readonly ChoiceFigures[],
): string {
  const place = ranked.winner as number;
  const winner = candidates[place] as ArtefactView;
  const figures = all[place] as ChoiceFigures;
  const goal = GOALS[ranked.objective.minimise];
  const parts = [`${nameOf(winner)} on ${provider}`];
  if (ranked.kept) parts.push('runs already, and nothing is clearly better');
  else if (ranked.order.length === 1) parts.push('the only artefact that can run here');
  else parts.push(`${goal} on ${device.profile.title}: ${goalText(ranked.objective.minimise, figures, winner, candidates)}`);
  if (!ranked.meetsObjective)
    parts.push(
      `no artefact meets the objective, this is the nearest (${brokenLimits(winner, figures, device, ranked.objective, candidates).join('; ')})`,
    );
  parts.push(accuracyText(winner, figures));
  const second = ranked.order[1];
  if (second !== undefined) {
    const runnerUp = candidates[second] as ArtefactView;
    parts.push(`next: ${nameOf(runnerUp)}, ${goalText(ranked.objective.minimise, all[second] as ChoiceFigures, runnerUp, candidates)}`);
  }
  return parts.join('; ');
}

function verdictOf(place: number, ranked: RankedChoice, candidates: readonly ArtefactView[], all: readonly ChoiceFigures[]): string {
  const refusal = ranked.refusals[place];
  if (refusal !== undefined) return refusal;
  const candidate = candidates[place] as ArtefactView;
  const figures = all[place] as ChoiceFigures;
  const goal = ranked.objective.minimise;
  if (place === ranked.winner) {
    const verdict = ranked.kept ? 'kept: nothing is clearly better' : 'chosen';
    // Whoever reads the verdict alone must not take a guess for a measurement.
    return isGuess(goal, figures) ? `${verdict}, on an estimate: ${goalText(goal, figures, candidate, candidates)}` : verdict;
  }
  if ((ranked.excess[place] as number) > 0) {
    return brokenLimits(candidate, figures, undefined, ranked.objective, candidates).join('; ') || 'breaks a limit of the objective';
  }
  return `${ordinal(ranked.order.indexOf(place) + 1)} by ${GOALS[goal]}: ${goalText(goal, figures, candidate, candidates)}`;
}

/** The limits of an objective that a candidate breaks, each with its figure. */
function brokenLimits(
  candidate: ArtefactView,
  figures: ChoiceFigures,
  device: ChoiceDevice | undefined,
  objective: Objective,
  candidates: readonly ArtefactView[],
): string[] {
  const broken: string[] = [];
  const check = (figure: ChoiceFigure | null, maximum: number | undefined, text: (value: number) => string, what: string): void => {
    if (figure === null || maximum === undefined || figure.value <= maximum) return;
    broken.push(`${what} ${text(figure.value)}${originText(figure, figures, candidates)} is over ${text(maximum)}`);
  };
  check(figures.latencyMsP95, objective.latencyMsP95Maximum, milliseconds, 'p95');
  check(figures.joulesPerInference, objective.joulesPerInferenceMaximum, joules, 'energy');
  check(figures.memoryBytes, objective.memoryBytesMaximum ?? device?.profile.memoryBudgetBytes, megabytes, 'memory');
  check({ value: candidate.sizeBytes, origin: 'this-device' }, objective.sizeBytesMaximum, megabytes, 'size');
  check(figures.costPer1000Usd, objective.costPer1000Maximum, dollars, 'cost of 1,000');
  const loss = figures.accuracyLossPoints;
  if (loss !== null && loss > objective.accuracyLossPointsMaximum) {
    broken.push(`may lose ${points(loss)} of accuracy, over the ${points(objective.accuracyLossPointsMaximum)} that are allowed`);
  }
  if (loss === null && candidate.precision !== 'fp32') {
    const { similarityDb, maximumError } = candidate.report;
    if (objective.accuracyLossPointsMaximum === 0) broken.push('its accuracy was not measured, and none may be lost');
    if (similarityDb !== undefined && similarityDb < SIMILARITY_DB_MINIMUM)
      broken.push(`outputs agree to ${similarityDb.toFixed(1)} dB only, ${SIMILARITY_DB_MINIMUM} dB are needed without labels`);
    else if (similarityDb === undefined && maximumError > ERROR_BUDGET)
      broken.push(`differs by ${percent(maximumError)} from fp32, over the ${percent(ERROR_BUDGET)} that are allowed`);
  }
  return broken;
}

function accuracyText({ precision, report }: ArtefactView, { accuracyLossPoints }: ChoiceFigures): string {
  const { accuracy, similarityDb, maximumError } = report;
  if (accuracy !== undefined) {
    const { value, low, high } = accuracy.lossPoints;
    return `${accuracy.metric} ${accuracy.artefact.value.toFixed(1)} ${accuracy.unit}, loses ${points(value)} (95 %: ${points(low)} to ${points(high)})`;
  }
  if (precision === 'fp32' && accuracyLossPoints === 0) return 'computes as the source does';
  if (similarityDb !== undefined) return `its outputs agree with the source to ${similarityDb.toFixed(1)} dB; accuracy was not measured`;
  return `differs by ${percent(maximumError)} from fp32 on golden inputs; accuracy was not measured`;
}

function goalText(goal: ObjectiveGoal, figures: ChoiceFigures, candidate: ArtefactView, candidates: readonly ArtefactView[]): string {
  const known = (figure: ChoiceFigure | null, text: (value: number) => string): string =>
    figure === null ? speedGuess(candidate) : text(figure.value) + originText(figure, figures, candidates);
  switch (goal) {
    case 'latency':
      return known(figures.latencyMs, milliseconds);
    case 'energy':
      return known(figures.joulesPerInference, (value) => `${joules(value)} an inference`);
    case 'memory':
      return known(figures.memoryBytes, megabytes);
    case 'size':
      return megabytes(candidate.sizeBytes);
    case 'cost':
      return known(figures.costPer1000Usd, (value) => `${dollars(value)} for 1,000`);
  }
}

/** True where what is made small was not measured. The size of a file is always known. */
function isGuess(goal: ObjectiveGoal, figures: ChoiceFigures): boolean {
  const figure = {
    latency: figures.latencyMs,
    energy: figures.joulesPerInference,
    memory: figures.memoryBytes,
    cost: figures.costPer1000Usd,
    size: undefined,
  }[goal];
  return figure === null || figure?.origin === 'estimate';
}

/** Before anything of a model was measured. The bytes are known even then. */
function speedGuess(candidate: ArtefactView): string {
  return methodOf(candidate) === 'weights-int8'
    ? `not measured yet; taken to be as fast as fp32, at ${percent(candidate.report.compressionRatio)} of its bytes`
    : 'not measured yet (estimate by precision)';
}

function originText({ origin }: ChoiceFigure, { estimatedFrom }: ChoiceFigures, candidates: readonly ArtefactView[]): string {
  switch (origin) {
    case 'this-device':
      return '';
    case 'profile':
      return ' (measured on its profile)';
    case 'estimate': {
      const basis = candidates.find(({ digest }) => digest === estimatedFrom?.artefact);
      if (basis === undefined) return ' (estimate)';
      return ` (not measured; estimated from ${nameOf(basis)} as measured ${estimatedFrom?.origin === 'profile' ? 'on its profile' : 'here'})`;
    }
  }
}

function nameOf({ precision, optimisation }: ArtefactView): string {
  return optimisation === 'none' || optimisation === '' ? precision : optimisation;
}

function ordinal(place: number): string {
  const suffix =
    place % 10 === 1 && place !== 11 ? 'st' : place % 10 === 2 && place !== 12 ? 'nd' : place % 10 === 3 && place !== 13 ? 'rd' : 'th';
  return `${place}${suffix}`;
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}

function joules(value: number): string {
  return value < 0.1 ? `${(value * 1000).toFixed(1)} mJ` : `${value.toFixed(2)} J`;
}

function dollars(value: number): string {
  return `$${value < 0.01 ? value.toFixed(5) : value.toFixed(3)}`;
}

function points(value: number): string {
  return `${value.toFixed(2)} points`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
