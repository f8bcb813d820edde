import type { OperatorParams } from '@starling/shared';
import { anchorOf, marginOf, pixelsOf, REMEMBERED_TRACKS_MAXIMUM, tallyOf, thingOf } from './counting.ts';
import type { OperatorContext, OperatorItem } from './operator.ts';
import { type TrackedDetection, trackedDetectionsOf } from './tracked-detections.ts';
import type { Point } from './values.ts';

type Params = OperatorParams<'count.line'>;
type Direction = 'in' | 'out';
type Tally = Record<Direction, number>;

/** The last place where a thing was clearly on one side of a line. */
interface Side {
  side: 1 | -1;
  point: Point;
}

interface LineState {
  /** Track -> for each line its side, once there was one. The one unseen for longest comes first. */
  sides: Map<number, (Side | undefined)[]>;
  tallies: { all: Tally; classes: Map<string, Tally> }[];
}

export function countLine(inputs: Readonly<Record<string, unknown>>, params: Params, _context: OperatorContext, item: OperatorItem) {
  const detections = trackedDetectionsOf(inputs, 'detections');
  const lines = params.lines.map(({ from, to }) => pixelsOf([from, to], params.unit, inputs) as [Point, Point]);
  const state = item.state(
    (): LineState => ({ sides: new Map(), tallies: lines.map(() => ({ all: { in: 0, out: 0 }, classes: new Map() })) }),
  );
  const events = detections.flatMap((detection) => {
    const sides = sidesOf(state, detection.track);
    const point = anchorOf(detection, params.anchor);
    return lines.flatMap((line, index) => {
      const crossing = step(sides, index, line, point, marginOf(detection, params.margin));
      if (crossing === undefined) return [];
      tally(state, index, detection, crossing.direction);
      return [{ line: params.lines[index]?.name, ...crossing, ...thingOf(detection), timeMs: item.timeMs }];
    });
  });
  const counts = Object.fromEntries(
    state.tallies.map(({ all, classes }, index) => [
      params.lines[index]?.name,
      { ...all, classes: Object.fromEntries([...classes].map(([name, each]) => [name, { ...each }])) },
    ]),
  );
  return events.length === 0 ? { counts } : { counts, events };
}

/** What is known of a track, which now is the last that will be forgotten. */
function sidesOf({ sides }: LineState, track: number): (Side | undefined)[] {
  const known = sides.get(track) ?? [];
  sides.delete(track);
  sides.set(track, known);
  const [oldest] = sides.keys();
  if (sides.size > REMEMBERED_TRACKS_MAXIMUM && oldest !== undefined) sides.delete(oldest);
  return known;
}

/** A thing that now is clearly on the other side has crossed, if the way there led through the line and not past its ends. */
function step(
  sides: (Side | undefined)[],
  index: number,
  [from, to]: [Point, Point],
  point: Point,
  margin: number,
): { direction: Direction; point: Point } | undefined {
  const distance = distanceRightOf(point, from, to);
  if (Math.abs(distance) <= margin) return undefined;
  const before = sides[index];
  const side = distance > 0 ? 1 : -1;
  sides[index] = { side, point };
  if (before === undefined || before.side === side) return undefined;
  const share = meetingShare(before.point, point, from, to);
  const meeting: Point = [before.point[0] + share * (point[0] - before.point[0]), before.point[1] + share * (point[1] - before.point[1])];
  const along = dot(difference(meeting, from), difference(to, from)) / dot(difference(to, from), difference(to, from));
  return along < 0 || along > 1 ? undefined : { direction: side === 1 ? 'in' : 'out', point: meeting };
}

/** Which share of the way has been gone where it meets the line. */
function meetingShare(start: Point, end: Point, from: Point, to: Point): number {
  const [first, last] = [distanceRightOf(start, from, to), distanceRightOf(end, from, to)];
  return first / (first - last);
}

/** Pixels to the right of a line for whoever looks along it; y points down on the screen. */
function distanceRightOf(point: Point, from: Point, to: Point): number {
  const [[x, y], [alongX, alongY]] = [difference(point, from), difference(to, from)];
  return (alongX * y - alongY * x) / Math.hypot(alongX, alongY);
}

function difference(a: Point, b: Point): Point {
  return [a[0] - b[0], a[1] - b[1]];
}

function dot(a: Point, b: Point): number {
  return a[0] * b[0] + a[1] * b[1];
}

function tally(state: LineState, index: number, detection: TrackedDetection, direction: Direction): void {
  const tallies = state.tallies[index];
  if (tallies === undefined) return;
  tallies.all[direction] += 1;
  tallyOf(tallies.classes, detection, () => ({ in: 0, out: 0 }))[direction] += 1;
}
