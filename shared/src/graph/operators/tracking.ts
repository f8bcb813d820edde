import { z } from 'zod';
import { nameSchema } from '../../ids.ts';
import type { OperatorSignature, PortTexts } from '../signature.ts';

const scoreParam = z.number().min(0).max(1);
const overlapParam = z.number().min(0.01).max(1);

/** Thresholds of ByteTrack (Zhang et al. 2022), and of its published code where the paper is silent. */
const trackParams = z
  .strictObject({
    highScore: scoreParam.default(0.5).meta({ description: 'Detections from it on are matched first, and with all tracks' }),
    lowScore: scoreParam.default(0.1).meta({
      description: 'Detections between it and `highScore` only continue tracks that nothing better continues; weaker ones are left out',
    }),
    newScore: scoreParam.default(0.6).meta({ description: 'Detections from it on may begin a track' }),
    minimumIou: overlapParam.default(0.2).meta({ description: 'Overlap that a detection needs with where its track should be' }),
    minimumIouLow: overlapParam.default(0.5).meta({ description: 'The same for detections below `highScore`' }),
    minimumIouNew: overlapParam.default(0.3).meta({ description: 'The same for tracks that have fewer than `minimumHits`' }),
    minimumHits: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(2)
      .meta({ description: 'Items in a row in which a new track is seen before it gets an id and is given out' }),
    maximumAgeMs: z.number().int().min(1).max(600_000).default(1000).meta({
      description:
        'A track that was not seen for longer is forgotten, and its id never comes again; streams with less than an item a second need more',
    }),
    maximumMissed: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(150)
      .meta({ description: 'So is one that was not seen in more items than this' }),
    byClass: z.boolean().default(true).meta({ description: 'Only detections of one class are the same thing' }),
    smooth: z
      .boolean()
      .default(false)
      .meta({ description: 'Gives the box that the filter holds for likely, instead of the one that was detected' }),
  })
  .superRefine(({ lowScore, highScore, newScore }, context) => {
    if (lowScore > highScore) context.addIssue({ code: 'custom', path: ['lowScore'], message: 'lowScore is above highScore' });
    if (newScore < highScore) context.addIssue({ code: 'custom', path: ['newScore'], message: 'newScore is below highScore' });
  });

const pointSchema = z.tuple([z.number(), z.number()]);
const unitParam = z
  .enum(['pixels', 'share'])
  .default('pixels')
  .meta({ description: '`share`: 0..1 of the picture on the input `source`, which there is only then' });
const anchorParam = z
  .enum(['bottom', 'centre', 'top'])
  .default('bottom')
  .meta({ description: 'The point of a box that counts: the middle of its lower side, where things stand; its centre; or its upper side' });
const marginParam = z.number().min(0).max(1).default(0.1);
const marginText = 'as a share of the shorter side of its box: what trembles counts once';

const lineSchema = z.strictObject({ name: nameSchema, from: pointSchema, to: pointSchema });
const lineParams = z
  .strictObject({
    lines: z
      .array(lineSchema)
      .min(1)
      .max(32)
      .meta({ description: 'Each with a `name`, `from` [x, y] and `to` [x, y]. Looking from `from` to `to`, to the right is `in`' }),
    unit: unitParam,
    anchor: anchorParam,
    margin: marginParam.meta({ description: `How far a point has to be on a side before it counts as there, ${marginText}` }),
  })
  .superRefine(({ lines, unit }, context) => {
    checkNames(lines, 'lines', context);
    for (const [index, { from, to }] of lines.entries()) {
      checkPoints([from, to], unit, ['lines', index], context);
      if (from[0] === to[0] && from[1] === to[1]) {
        context.addIssue({ code: 'custom', path: ['lines', index], message: 'a line needs two different ends' });
      }
    }
  });

const zoneSchema = z.strictObject({
  name: nameSchema,
  polygon: z.array(pointSchema).min(3, 'a polygon has three corners at least').max(64),
});
const zoneParams = z
  .strictObject({
    zones: z.array(zoneSchema).min(1).max(32).meta({ description: 'Each with a `name` and a `polygon`, a list of 3 to 64 corners [x, y]' }),
    unit: unitParam,
    anchor: anchorParam,
    margin: marginParam.meta({ description: `How far outside a point has to be before it has left, ${marginText}` }),
    lostMs: z
      .number()
      .int()
      .min(0)
      .max(3_600_000)
      .default(2000)
      .meta({ description: 'What was not seen for longer has left its zones, at the time when it was last seen' }),
    dwellMs: z
      .number()
      .int()
      .positive()
      .max(86_400_000)
      .optional()
      .meta({ description: 'An event `dwell`, once, for whatever stays in a zone for longer' }),
  })
  .superRefine(({ zones, unit }, context) => {
    checkNames(zones, 'zones', context);
    for (const [index, { polygon }] of zones.entries()) {
      checkPoints(polygon, unit, ['zones', index], context);
      if (shoelace(polygon) === 0) context.addIssue({ code: 'custom', path: ['zones', index], message: 'the polygon has no area' });
    }
  });

/** Things from frame to frame: the same one found again, and counted where it passes or stays. */
export const trackingOperators = {
  'track.objects': {
    name: 'track.objects',
    version: 1,
    summary:
      'Finds the same things again from item to item and numbers them in `track`: constant-velocity Kalman filters (SORT, Bewley et al. 2016) and the two-stage matching of ByteTrack (Zhang et al. 2022). What belongs to no track yet is left out',
    inputs: { detections: 'detections' },
    outputs: { detections: 'detections' },
    params: trackParams,
    stateful: true,
  },
  'count.line': {
    name: 'count.line',
    version: 1,
    summary:
      'Counts tracked things that cross lines, by direction and class. `events` is there when something crossed: line, direction, track, class, time, and the point',
    inputs: { detections: 'detections' },
    outputs: { counts: 'json', events: 'json' },
    params: lineParams,
    stateful: true,
    ports: ({ unit }: z.output<typeof lineParams>) => withPicture(unit),
  },
  'count.zone': {
    name: 'count.zone',
    version: 1,
    summary:
      'Counts tracked things in zones: how many are inside, came and left, and how long they stay. `events` is there when something came, left, or stayed for `dwellMs`',
    inputs: { detections: 'detections' },
    outputs: { counts: 'json', events: 'json' },
    params: zoneParams,
    stateful: true,
    ports: ({ unit }: z.output<typeof zoneParams>) => withPicture(unit),
  },
} as const satisfies Record<string, OperatorSignature>;

function withPicture(unit: Unit): { inputs: PortTexts; outputs: PortTexts } {
  const outputs = { counts: 'json', events: 'json' };
  return unit === 'pixels'
    ? { inputs: { detections: 'detections' }, outputs }
    : { inputs: { detections: 'detections', source: 'image' }, outputs };
}

type Context = z.core.$RefinementCtx;
type Point = z.infer<typeof pointSchema>;
type Unit = z.infer<typeof unitParam>;

function checkNames(named: readonly { name: string }[], field: string, context: Context): void {
  const seen = new Set<string>();
  for (const [index, { name }] of named.entries()) {
    if (seen.has(name)) context.addIssue({ code: 'custom', path: [field, index, 'name'], message: `"${name}" is there twice` });
    seen.add(name);
  }
}

function checkPoints(points: readonly Point[], unit: Unit, path: (string | number)[], context: Context): void {
  const isOutside = ([x, y]: Point): boolean => Math.min(x, y) < 0 || Math.max(x, y) > 1;
  if (unit === 'share' && points.some(isOutside)) {
    context.addIssue({ code: 'custom', path, message: 'shares lie between 0 and 1; use `unit: pixels` for pixels' });
  }
}

function shoelace(polygon: readonly Point[]): number {
  return polygon.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = polygon[(index + 1) % polygon.length] as Point;
    return sum + x * nextY - y * nextX;
  }, 0);
}
