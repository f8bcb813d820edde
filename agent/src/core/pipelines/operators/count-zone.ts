import type { OperatorParams } from '@starling/shared';
import { anchorOf, marginOf, pixelsOf, REMEMBERED_TRACKS_MAXIMUM, tallyOf, thingOf } from './counting.ts';
import { isInsidePolygon } from './geometry.ts';
import type { OperatorContext, OperatorItem } from './operator.ts';
import { type TrackedDetection, trackedDetectionsOf } from './tracked-detections.ts';
import type { Point } from './values.ts';

type Params = OperatorParams<'count.zone'>;

interface Tally {
  occupancy: number;
  entries: number;
  exits: number;
}

interface Zone {
  name: string;
  all: Tally;
  classes: Map<string, Tally>;
  /** Of all stays that have ended. */
  stayedMs: number;
}

/** A stay that has not ended. */
interface Stay {
  sinceMs: number;
  /** Whether `dwellMs` has passed and been told. */
  isTold: boolean;
  /** Where it was counted when it began: a class may change on the way. */
  tally: Tally;
}

interface Visitor {
  detection: TrackedDetection;
  seenMs: number;
  stays: (Stay | undefined)[];
}

interface ZoneState {
  zones: Zone[];
  /** By track. The one unseen for longest comes first. */
  visitors: Map<number, Visitor>;
}

type ZoneEvent = { zone: string; event: 'entry' | 'exit' | 'dwell'; timeMs: number; dwellMs?: number } & ReturnType<typeof thingOf>;

export function countZone(inputs: Readonly<Record<string, unknown>>, params: Params, _context: OperatorContext, item: OperatorItem) {
  const detections = trackedDetectionsOf(inputs, 'detections');
  const polygons = params.zones.map(({ polygon }) => pixelsOf(polygon, params.unit, inputs));
  const state = item.state((): ZoneState => ({ zones: params.zones.map(({ name }) => emptyZone(name)), visitors: new Map() }));
  const events: ZoneEvent[] = [];
  for (const detection of detections) {
    const visitor = visitorOf(state, detection, item.timeMs);
    const point = anchorOf(detection, params.anchor);
    for (const [index, polygon] of polygons.entries()) {
      const isInside = isInZone(point, polygon, visitor.stays[index] === undefined ? 0 : marginOf(detection, params.margin));
      if (isInside) stay(state, visitor, index, params.dwellMs, events);
      else leave(state, visitor, index, item.timeMs, events);
    }
  }
  forget(state, item.timeMs - params.lostMs, events);
  const counts = Object.fromEntries(state.zones.map((zone, index) => [zone.name, countsOf(zone, index, state.visitors, item.timeMs)]));
  return events.length === 0 ? { counts } : { counts, events };
}

function emptyZone(name: string): Zone {
  return { name, all: emptyTally(), classes: new Map(), stayedMs: 0 };
}

function emptyTally(): Tally {
  return { occupancy: 0, entries: 0, exits: 0 };
}

function visitorOf({ visitors }: ZoneState, detection: TrackedDetection, timeMs: number): Visitor {
  const known = visitors.get(detection.track);
  visitors.delete(detection.track);
  const visitor = { detection, seenMs: timeMs, stays: known?.stays ?? [] };
  visitors.set(detection.track, visitor);
  return visitor;
}

/** What is inside stays so until it is outside by more than the margin: what trembles on the edge comes and leaves once. */
function isInZone(point: Point, polygon: readonly Point[], margin: number): boolean {
  return isInsidePolygon(point, polygon) || (margin > 0 && distanceToEdge(point, polygon) <= margin);
}

function distanceToEdge([x, y]: Point, polygon: readonly Point[]): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const [index, [x1, y1]] of polygon.entries()) {
    const [x2, y2] = polygon[(index + 1) % polygon.length] as Point;
    const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
    const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
    nearest = Math.min(nearest, Math.hypot(x1 + along * (x2 - x1) - x, y1 + along * (y2 - y1) - y));
  }
  return nearest;
}

function stay({ zones }: ZoneState, visitor: Visitor, index: number, dwellMs: number | undefined, events: ZoneEvent[]): void {
  const { detection, seenMs, stays } = visitor;
  const zone = zones[index] as Zone;
  const going = stays[index];
  if (going === undefined) {
    const tally = tallyOf(zone.classes, detection, emptyTally);
    stays[index] = { sinceMs: seenMs, isTold: false, tally };
    for (const each of [zone.all, tally]) {
      each.occupancy += 1;
      each.entries += 1;
    }
    events.push({ zone: zone.name, event: 'entry', ...thingOf(detection), timeMs: seenMs });
  } else if (dwellMs !== undefined && !going.isTold && seenMs - going.sinceMs >= dwellMs) {
    going.isTold = true;
    events.push({ zone: zone.name, event: 'dwell', ...thingOf(detection), timeMs: seenMs, dwellMs: seenMs - going.sinceMs });
  }
}

function leave({ zones }: ZoneState, { detection, stays }: Visitor, index: number, timeMs: number, events: ZoneEvent[]): void {
  const zone = zones[index] as Zone;
  const ended = stays[index];
  if (ended === undefined) return;
  stays[index] = undefined;
  for (const each of [zone.all, ended.tally]) {
    each.occupancy -= 1;
    each.exits += 1;
  }
  zone.stayedMs += timeMs - ended.sinceMs;
  events.push({ zone: zone.name, event: 'exit', ...thingOf(detection), timeMs, dwellMs: timeMs - ended.sinceMs });
}

/** Who has not been seen since, or makes too many, has left where it was seen last. */
function forget(state: ZoneState, sinceMs: number, events: ZoneEvent[]): void {
  for (const [track, visitor] of state.visitors) {
    if (visitor.seenMs >= sinceMs && state.visitors.size <= REMEMBERED_TRACKS_MAXIMUM) return;
    for (const index of state.zones.keys()) leave(state, visitor, index, visitor.seenMs, events);
    state.visitors.delete(track);
  }
}

function countsOf({ all, classes, stayedMs }: Zone, index: number, visitors: ReadonlyMap<number, Visitor>, timeMs: number) {
  let longestMs = 0;
  for (const { stays } of visitors.values()) longestMs = Math.max(longestMs, timeMs - (stays[index]?.sinceMs ?? timeMs));
  return {
    ...all,
    classes: Object.fromEntries([...classes].map(([name, tally]) => [name, { ...tally }])),
    /** Of the stays that have ended; null before the first has. */
    meanDwellMs: all.exits === 0 ? null : stayedMs / all.exits,
    /** Of the stays that go on. */
    longestDwellMs: longestMs,
  };
}
