import { detectionSchema, type EdgeLeafView } from '@starling/shared';
import { z } from 'zod';

export type PictureView = Extract<EdgeLeafView, { kind: 'image' }>;
export type TensorView = Extract<EdgeLeafView, { kind: 'tensor' }>;

/** The bytes behind base64. */
export function bytesOf64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The sample of a tensor: planes by rows by columns. */
export function sampleOf({ sample }: TensorView): Float32Array {
  const bytes = bytesOf64(sample.data);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => view.getFloat32(index * 4, true));
}

/** One plane as colours: dark for the least, light for the largest value; what is not finite is red. RGBA, row by row. */
export function heatMap(plane: ArrayLike<number>, minimum: number, maximum: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(plane.length * 4);
  const width = maximum - minimum;
  for (let index = 0; index < plane.length; index += 1) {
    const value = plane[index] ?? Number.NaN;
    const [red, green, blue] = Number.isFinite(value) ? colourAt(width > 0 ? (value - minimum) / width : 0.5) : [220, 40, 40];
    pixels.set([red, green, blue, 255], index * 4);
  }
  return pixels;
}

/** Stops of a scale whose lightness rises evenly, so that it can be read without its hues. */
const stops = [
  [13, 22, 38],
  [39, 45, 105],
  [94, 57, 136],
  [30, 127, 138],
  [88, 190, 152],
  [243, 240, 178],
] as const;

function colourAt(share: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const [low, high] = [stops[Math.floor(at)] ?? stops[0], stops[Math.ceil(at)] ?? stops[0]];
  const between = at - Math.floor(at);
  const mix = (channel: 0 | 1 | 2): number => Math.round(low[channel] + (high[channel] - low[channel]) * between);
  return [mix(0), mix(1), mix(2)];
}

/** A figure that is drawn over a picture, in its pixels. */
export interface Outline {
  points: [number, number][];
  label: string;
  score: number | undefined;
}

const quadrilateralSchema = z.object({
  quad: z.array(z.tuple([z.number(), z.number()])).length(4),
  score: z.number().optional(),
  confidence: z.number().optional(),
  text: z.string().optional(),
});
const outlinesSchema = z.array(z.union([detectionSchema, quadrilateralSchema])).min(1);

/** Detections, boxes and readings as figures; undefined for everything else. */
export function outlinesOf(value: unknown): Outline[] | undefined {
  const list = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value).find(Array.isArray) : value;
  const parsed = outlinesSchema.safeParse(list);
  if (!parsed.success) return undefined;
  return parsed.data.map((each) => {
    if ('quad' in each) return { points: each.quad, label: each.text ?? '', score: each.confidence ?? each.score };
    const name = each.label ?? `class ${each.class}`;
    return {
      points: cornersOf(each.box, each.angle ?? 0),
      label: each.track === undefined ? name : `${name} #${each.track}`,
      score: each.score,
    };
  });
}

/** Corners of a box that may be turned around its centre. */
function cornersOf([left, top, right, bottom]: readonly [number, number, number, number], angle: number): [number, number][] {
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const corners: [number, number][] = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
  return corners.map(([cornerX, cornerY]) => {
    const [dx, dy] = [cornerX - x, cornerY - y];
    return [x + dx * cos - dy * sin, y + dx * sin + dy * cos];
  });
}

/** Text that was read, with how sure the model is. */
const textSchema = z.object({ text: z.string(), confidence: z.number().optional() });
export function textOf(value: unknown): { text: string; confidence?: number | undefined } | undefined {
  if (typeof value === 'string') return { text: value };
  return textSchema.safeParse(value).data;
}

/** Where an image element finds the picture. */
export function pictureSource({ thumbnail }: PictureView): string {
  return `data:image/${thumbnail.format};base64,${thumbnail.data}`;
}

/** JSON as people read it: numbers without needless digits, and lists of numbers in one line. */
export function readableJson(value: unknown): string {
  const text = JSON.stringify(value, roundNumbers, 2) ?? '';
  // Nothing but numbers, commas and brackets: it never reaches into text, which has quotes.
  return text.replaceAll(/\[[-\s\d.,eE+[\]]+\]/g, (numbers) =>
    numbers.replaceAll(/\s+/g, ' ').replaceAll(/\[ | (?=\])/g, (part) => part.trim()),
  );
}

/** More digits than anybody reads only hide the others. */
function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
