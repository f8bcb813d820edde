import type { Detection, OperatorParams, Rectangle } from '@starling/shared';
import { assign } from './assignment.ts';
import { rectangleIou } from './geometry.ts';
import { type BoxFilter, correctBox, holdSize, likelyBox, predictBox, startBox } from './kalman.ts';
import type { OperatorContext, OperatorItem } from './operator.ts';
import { soundDetectionsOf } from './tracked-detections.ts';

type Params = OperatorParams<'track.objects'>;

/** Tracks of one stream, those out of sight included: a filter takes about half a kilobyte. The one unseen for longest goes first. */
const TRACKS_MAXIMUM = 1000;

interface Track {
  /** Given when it has been seen often enough. */
  id: number | undefined;
  class: number;
  filter: BoxFilter;
  /** Items in a row in which a track without an id was seen. */
  hits: number;
  /** Items since it was seen. */
  missed: number;
  seenMs: number;
}

interface TrackerState {
  tracks: Track[];
  nextId: number;
  timeMs: number | undefined;
}

interface Pairs {
  pairs: [Track, Detection][];
  tracks: Track[];
  detections: Detection[];
}

export function trackObjects(inputs: Readonly<Record<string, unknown>>, params: Params, _context: OperatorContext, item: OperatorItem) {
  const detections = soundDetectionsOf(inputs, 'detections');
  const state = item.state((): TrackerState => ({ tracks: [], nextId: 1, timeMs: undefined }));
  const found = follow(state, detections, params, item.timeMs);
  return {
    detections: detections.flatMap((detection): Detection[] => {
      const track = found.get(detection);
      if (track?.id === undefined) return [];
      // A list may name one object twice; an id it has once.
      found.delete(detection);
      return [{ ...detection, ...(params.smooth ? { box: likelyBox(track.filter) } : {}), track: track.id }];
    }),
  };
}

/** One step of BYTE (Zhang et al. 2022, algorithm 1). @returns the track of each detection that continues or begins one */
function follow(state: TrackerState, detections: readonly Detection[], params: Params, timeMs: number): Map<Detection, Track> {
  advance(state, params, timeMs);
  // In an order of their own: what is found does not depend on the order in which a detector lists it.
  const sorted = [...detections].sort(compareDetections);
  const high = sorted.filter(({ score }) => score >= params.highScore);
  const low = sorted.filter(({ score }) => score >= params.lowScore && score < params.highScore);
  const known = state.tracks.filter(({ id }) => id !== undefined);
  const tentative = state.tracks.filter(({ id }) => id === undefined);

  const first = match(known, high, params.minimumIou, params);
  // What was out of sight already is not found again by a weak detection: that is more often background than the thing.
  const inSight = first.tracks.filter(({ missed }) => missed === 0);
  const second = match(inSight, low, params.minimumIouLow, params);
  const third = match(tentative, first.detections, params.minimumIouNew, params);

  const pairs = [...first.pairs, ...second.pairs, ...third.pairs];
  for (const [track, detection] of pairs) see(track, detection, timeMs);
  const seen = new Set(pairs.map(([track]) => track));
  for (const track of known) if (!seen.has(track)) miss(track);
  const begun = third.detections.filter(({ score }) => score >= params.newScore).map((detection) => begin(detection, timeMs));
  // A track that vanishes before it has an id was noise.
  state.tracks = keepWithin([...known, ...third.pairs.map(([track]) => track), ...begun.map(([track]) => track)]);
  const found = new Map([...pairs, ...begun].map(([track, detection]) => [detection, track]));
  giveIds(state, params.minimumHits);
  return found;
}

/** Forgets tracks that were not seen for too long, and moves the others to where they should be now. */
function advance(state: TrackerState, { maximumAgeMs, maximumMissed }: Params, timeMs: number): void {
  const seconds = Math.max(0, timeMs - (state.timeMs ?? timeMs)) / 1000;
  state.timeMs = timeMs;
  state.tracks = state.tracks.filter(({ seenMs, missed }) => timeMs - seenMs <= maximumAgeMs && missed <= maximumMissed);
  for (const { filter } of state.tracks) predictBox(filter, seconds);
}

function match(tracks: readonly Track[], detections: readonly Detection[], minimumIou: number, { byClass }: Params): Pairs {
  const boxes = tracks.map(({ filter }) => likelyBox(filter));
  const columnOf = assign(tracks.length, detections.length, (row, column) => {
    const detection = detections[column] as Detection;
    const box = boxes[row] as Rectangle;
    // Most pairs are far apart, and there are many of them.
    if (box[0] >= detection.box[2] || box[2] <= detection.box[0] || box[1] >= detection.box[3] || box[3] <= detection.box[1]) return 0;
    if (byClass && detection.class !== tracks[row]?.class) return 0;
    const iou = rectangleIou(box, detection.box);
    // An overlap that is just enough still counts for something.
    return iou < minimumIou ? 0 : iou - minimumIou + Number.EPSILON;
  });
  const taken = new Set(columnOf);
  return {
    pairs: tracks.flatMap((track, row): [Track, Detection][] => {
      const detection = detections[columnOf[row] as number];
      return detection === undefined ? [] : [[track, detection]];
    }),
    tracks: tracks.filter((_, row) => columnOf[row] === -1),
    detections: detections.filter((_, column) => !taken.has(column)),
  };
}

function see(track: Track, detection: Detection, timeMs: number): void {
  correctBox(track.filter, detection.box);
  track.class = detection.class;
  track.hits += 1;
  track.missed = 0;
  track.seenMs = timeMs;
}

function miss(track: Track): void {
  track.missed += 1;
  holdSize(track.filter);
}

function begin(detection: Detection, timeMs: number): [Track, Detection] {
  return [{ id: undefined, class: detection.class, filter: startBox(detection.box), hits: 1, missed: 0, seenMs: timeMs }, detection];
}

function giveIds(state: TrackerState, minimumHits: number): void {
  for (const track of state.tracks) {
    if (track.id !== undefined || track.hits < minimumHits) continue;
    track.id = state.nextId;
    state.nextId += 1;
  }
}

function keepWithin(tracks: Track[]): Track[] {
  if (tracks.length <= TRACKS_MAXIMUM) return tracks;
  const leaving = new Set([...tracks].sort((a, b) => b.missed - a.missed).slice(0, tracks.length - TRACKS_MAXIMUM));
  return tracks.filter((track) => !leaving.has(track));
}

/** Best first; then by place, so that the order is complete but for detections that are the same. */
function compareDetections(a: Detection, b: Detection): number {
  return b.score - a.score || a.class - b.class || a.box.reduce((order, at, side) => order || at - (b.box[side] as number), 0);
}
