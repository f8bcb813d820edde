import type { Rectangle } from '@starling/shared';
import { boundsOf, cornersOf } from './geometry.ts';
import type { TrackedDetection } from './tracked-detections.ts';
import { imageOf, type Point } from './values.ts';

/** Tracks that a counter remembers: far more than are in a picture at once. The one unseen for longest goes first. */
export const REMEMBERED_TRACKS_MAXIMUM = 4096;
/** Classes that are counted by themselves: as many as detectors have. All further ones are counted as `other`. */
const CLASSES_MAXIMUM = 1000;

/** Corners in pixels of the picture. */
export function pixelsOf(points: readonly Point[], unit: 'pixels' | 'share', inputs: Readonly<Record<string, unknown>>): Point[] {
  if (unit === 'pixels') return [...points];
  const { width, height } = imageOf(inputs, 'source');
  return points.map(([x, y]) => [x * width, y * height]);
}

/** Where a thing is: one point of its box, as it lies in the picture. */
export function anchorOf(detection: TrackedDetection, anchor: 'bottom' | 'centre' | 'top'): Point {
  const [left, top, right, bottom] = boundsOf(cornersOf(detection));
  const y = anchor === 'bottom' ? bottom : anchor === 'top' ? top : (top + bottom) / 2;
  return [(left + right) / 2, y];
}

/** How far a point may tremble, in pixels: a detector's box trembles with its size. */
export function marginOf({ box }: TrackedDetection, share: number): number {
  const [left, top, right, bottom]: Rectangle = box;
  return share * Math.min(right - left, bottom - top);
}

/** The entry of a class in a tally, by its label where it has one. */
export function tallyOf<Tally>(tallies: Map<string, Tally>, { class: index, label }: TrackedDetection, create: () => Tally): Tally {
  const name = label ?? String(index);
  const key = tallies.has(name) || tallies.size < CLASSES_MAXIMUM ? name : 'other';
  const tally = tallies.get(key) ?? create();
  tallies.set(key, tally);
  return tally;
}

/** What an event says of the thing itself. */
export function thingOf({ track, class: index, label }: TrackedDetection): { track: number; class: number; label?: string } {
  return { track, class: index, ...(label === undefined ? {} : { label }) };
}
