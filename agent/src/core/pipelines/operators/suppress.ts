import type { Detection, OperatorParams } from '@starling/shared';
import { areaOf, boxIou, clipPolygon, cornersOf, intersectionOf, polygonArea, type TurnedBox } from './geometry.ts';
import { detectionsOf } from './values.ts';

type NmsParams = OperatorParams<'detections.nms'>;

/** What suppression looks at. */
export type Candidate = TurnedBox & Pick<Detection, 'score' | 'class'>;

export interface SuppressionRule {
  /** Of two that overlap by more than this, one goes. */
  iouThreshold: number;
  agnostic: boolean;
  maximumCount: number;
  measure?: NmsParams['measure'];
}

/**
 * Greedy non-maximum suppression: the best stays, and takes away what overlaps it by more than the threshold.
 * @param candidates best first
 * @returns those that stay, best first; no two of them, of one class, overlap by more
 */
export function suppress<Item extends Candidate>(candidates: readonly Item[], rule: SuppressionRule): Item[] {
  const overlap = rule.measure === 'smaller' ? shareOfSmaller : boxIou;
  const kept: Item[] = [];
  for (const candidate of candidates) {
    if (kept.length >= rule.maximumCount) break;
    const isBeaten = kept.some((better) => isRival(better, candidate, rule) && overlap(better, candidate) > rule.iouThreshold);
    if (!isBeaten) kept.push(candidate);
  }
  return kept;
}

/** Best first; equal ones in their order, so that every runtime keeps the same. */
export function bestFirst<Item extends { score: number }>(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => b.score - a.score);
}

export function suppressDetections(inputs: Readonly<Record<string, unknown>>, params: NmsParams) {
  const detections = detectionsOf(inputs, 'detections').filter(({ score }) => score >= params.scoreThreshold);
  return { detections: params.method === 'hard' ? suppress(bestFirst(detections), params) : suppressSoftly(detections, params) };
}

/**
 * Soft-NMS (Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code", 2017): the best is taken, and the scores of what
 * overlaps it fall, by 1 - overlap where that is above the threshold, or by exp(-overlap^2 / sigma).
 */
function suppressSoftly(detections: readonly Detection[], params: NmsParams): Detection[] {
  const overlap = params.measure === 'smaller' ? shareOfSmaller : boxIou;
  const kept: Detection[] = [];
  let waiting = bestFirst(detections);
  while (waiting.length > 0 && kept.length < params.maximumCount) {
    const [best, ...others] = waiting as [Detection, ...Detection[]];
    kept.push(best);
    const lowered = others.map((other) => {
      if (!isRival(best, other, params)) return other;
      const factor = decay(overlap(best, other), params);
      return factor === 1 ? other : { ...other, score: other.score * factor };
    });
    waiting = bestFirst(lowered.filter(({ score }) => score >= params.scoreThreshold));
  }
  return kept;
}

function decay(overlap: number, { method, iouThreshold, sigma }: NmsParams): number {
  if (method === 'gaussian') return Math.exp(-(overlap * overlap) / sigma);
  return overlap > iouThreshold ? 1 - overlap : 1;
}

function isRival(a: Candidate, b: Candidate, { agnostic }: { agnostic: boolean }): boolean {
  return agnostic || a.class === b.class;
}

/** The part of the smaller box that lies in the other one, 0..1. */
function shareOfSmaller(a: TurnedBox, b: TurnedBox): number {
  const smaller = Math.min(areaOf(a.box), areaOf(b.box));
  if (!(smaller > 0)) return 0;
  const isUpright = (a.angle ?? 0) === 0 && (b.angle ?? 0) === 0;
  const common = isUpright ? areaOf(intersectionOf(a.box, b.box)) : polygonArea(clipPolygon(cornersOf(a), cornersOf(b)));
  return Math.min(1, common / smaller);
}
