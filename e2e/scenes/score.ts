import { distance as editDistance } from 'fastest-levenshtein';
import type { Point, Quad } from './geometry.ts';
import { intersectionOverUnion, isInside, middleOf } from './overlap.ts';
import type { SceneText } from './scene.ts';

/** A line that was read, wherever it comes from. */
export interface FoundText {
  text: string;
  quad: Quad;
}

export interface Score {
  /** Texts in the scenes, and how many of them were read without any error. */
  texts: number;
  exact: number;
  /** Characters of those texts, and the fewest insertions, deletions and substitutions that turn what was read into them. */
  characters: number;
  characterErrors: number;
  /** Texts for which nothing was read, and readings where there is no text. */
  unread: number;
  spurious: number;
}

/** What was read for one text of a scene; empty if nothing was. */
export interface Match {
  truth: string;
  read: string;
}

/** Boxes of text that overlap less are of different texts, unless the middle of one lies in the other. */
const OVERLAP_MINIMUM = 0.3;

/** Compared are the characters after Unicode NFKC, without white space; case counts. The text models give hardly any blanks. */
export function normalise(text: string): string {
  return text.normalize('NFKC').replace(/\s+/gu, '');
}

/**
 * Gives each reading to the text that it overlaps most. Readings of one text are joined in the direction of the text, since a detector
 * may see a gap between words as the end of a line.
 */
export function matchReadings(truths: readonly SceneText[], readings: readonly FoundText[]): { matches: Match[]; spurious: number } {
  const parts = truths.map((): FoundText[] => []);
  let spurious = 0;
  for (const reading of readings) {
    const place = bestTruth(truths, reading.quad);
    if (place === undefined) spurious += 1;
    else parts[place]?.push(reading);
  }
  const matches = truths.map(({ text, box }, place) => {
    const along = ([x, y]: Point): number => (x - box[0][0]) * (box[1][0] - box[0][0]) + (y - box[0][1]) * (box[1][1] - box[0][1]);
    const ordered = (parts[place] ?? []).toSorted((a, b) => along(middleOf(a.quad)) - along(middleOf(b.quad)));
    return { truth: normalise(text), read: normalise(ordered.map((each) => each.text).join('')) };
  });
  return { matches, spurious };
}

function bestTruth(truths: readonly SceneText[], quad: Quad): number | undefined {
  const middle = middleOf(quad);
  let best: number | undefined;
  let bestOverlap = -1;
  truths.forEach(({ box }, place) => {
    const overlap = intersectionOverUnion(box, quad);
    if (overlap <= bestOverlap || (overlap < OVERLAP_MINIMUM && !isInside(middle, box))) return;
    best = place;
    bestOverlap = overlap;
  });
  return best;
}

/** The score of one scene. */
export function scoreScene(truths: readonly SceneText[], readings: readonly FoundText[]): Score {
  const { matches, spurious } = matchReadings(truths, readings);
  return {
    texts: matches.length,
    exact: matches.filter(({ truth, read }) => truth === read).length,
    characters: matches.reduce((sum, { truth }) => sum + truth.length, 0),
    characterErrors: matches.reduce((sum, { truth, read }) => sum + editDistance(truth, read), 0),
    unread: matches.filter(({ read }) => read === '').length,
    spurious,
  };
}

/** Every text weighs the same, whichever scene it is in. */
export function sumScores(scores: readonly Score[]): Score & { exactMatchRate: number; characterErrorRate: number } {
  const sum = { texts: 0, exact: 0, characters: 0, characterErrors: 0, unread: 0, spurious: 0 };
  for (const score of scores) {
    for (const key of Object.keys(sum) as (keyof Score)[]) sum[key] += score[key];
  }
  return { ...sum, exactMatchRate: sum.exact / sum.texts, characterErrorRate: sum.characterErrors / sum.characters };
}
