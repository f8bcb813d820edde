import type { ArtefactView } from '@starling/shared';
import { decibels } from '../../format/change.ts';
import { bytesOf, compact, inWords, joulesOf, millisecondsOf, percentOf } from '../../format/quantity.ts';
import type { CostFigures } from './figures-by-profile.ts';

/** What an artefact costs: less is better. */
export const costs = {
  size: { label: 'Size', format: (value: number) => inWords(bytesOf(value)), needsProfile: false },
  latency: { label: 'Latency, median', format: (value: number) => inWords(millisecondsOf(value)), needsProfile: true },
  energy: { label: 'Energy per inference', format: (value: number) => inWords(joulesOf(value)), needsProfile: true },
  memory: { label: 'Memory', format: (value: number) => inWords(bytesOf(value)), needsProfile: true },
} as const;
export type Cost = keyof typeof costs;

/** How much of the source's answers is left. Differences below a step are noise: no figure shows them, and they win nothing. */
export const losses = {
  accuracy: { label: 'Accuracy lost', format: (value: number) => `${compact(value)} points`, step: 0.01, moreIsBetter: false },
  similarity: { label: 'Similarity of outputs', format: (value: number) => decibels(value), step: 0.1, moreIsBetter: true },
  error: { label: 'Largest error', format: (value: number) => inWords(percentOf(value)), step: 0.001, moreIsBetter: false },
} as const;
export type Loss = keyof typeof losses;

export interface ParetoPoint {
  artefact: string;
  x: number;
  y: number;
  isEstimate: boolean;
  /** No other artefact costs less and loses less. */
  onFront: boolean;
}

/** Outputs that agree to the last bit; the report of the source itself has no such figure. */
const EQUAL_DB = 200;

export function lossOf(artefact: ArtefactView, loss: Loss): number | null {
  const exact = exactLossOf(artefact, loss);
  const { step } = losses[loss];
  // Through text, so that 0.3 stays 0.3.
  return exact === null ? null : Number((Math.round(exact / step) * step).toFixed(6)) + 0;
}

function exactLossOf({ report, optimisation }: ArtefactView, loss: Loss): number | null {
  if (loss === 'error') return report.maximumError;
  if (loss === 'similarity') return report.similarityDb ?? (optimisation === 'none' ? EQUAL_DB : null);
  return report.accuracy?.lossPoints.value ?? null;
}

function costOf({ sizeBytes }: ArtefactView, figures: CostFigures | undefined, cost: Cost): number | null {
  if (cost === 'size') return sizeBytes;
  if (figures === undefined) return null;
  return { latency: figures.latencyMs, energy: figures.joulesPerInference, memory: figures.memoryBytes }[cost];
}

/** Points of the artefacts of which both figures are known, cheapest first. */
export function paretoPoints(
  artefacts: readonly ArtefactView[],
  figures: ReadonlyMap<string, CostFigures> | undefined,
  cost: Cost,
  loss: Loss,
): ParetoPoint[] {
  const points = artefacts.flatMap((artefact) => {
    const known = figures?.get(artefact.digest);
    const [x, y] = [costOf(artefact, known, cost), lossOf(artefact, loss)];
    if (x === null || y === null) return [];
    return [{ artefact: artefact.digest, x, y, isEstimate: costs[cost].needsProfile && known?.isEstimate === true }];
  });
  const sign = losses[loss].moreIsBetter ? -1 : 1;
  const beats = (one: { x: number; y: number }, other: { x: number; y: number }): boolean =>
    one.x <= other.x && sign * one.y <= sign * other.y && (one.x < other.x || one.y !== other.y);
  return points
    .map((point) => ({ ...point, onFront: !points.some((other) => beats(other, point)) }))
    .toSorted((left, right) => left.x - right.x || sign * (left.y - right.y));
}
