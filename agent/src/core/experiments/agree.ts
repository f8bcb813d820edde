/** Overlap (intersection over union) from which two boxes are of the same thing: the usual one of detection challenges. */
const OVERLAP_MINIMUM = 0.5;
/** Numbers that differ by less, relative to the larger or to one, say the same: what other precisions and processors may give. */
const TOLERANCE = 0.01;
/** Tensors up to this length are taken for scores of classes, and agree if the same class is first. */
const CLASSES_MAXIMUM = 100_000;
const DEPTH_MAXIMUM = 8;

type Box = readonly [left: number, top: number, right: number, bottom: number];

/**
 * Whether two answers to one item say the same to whoever uses them. Every output that the champion gives has to be there: texts alike but
 * for spaces and case, things found in the same places under the same names, the same class first, numbers within a hundredth.
 * @param champion outputs by name, as the graph gave them
 */
export function agree(champion: Readonly<Record<string, unknown>>, challenger: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(champion).every(([name, value]) => same(value, challenger[name], 0));
}

function same(left: unknown, right: unknown, depth: number): boolean {
  if (depth > DEPTH_MAXIMUM) return true;
  if (typeof left === 'number' && typeof right === 'number') return isNear(left, right);
  if (typeof left === 'string' && typeof right === 'string') return plainText(left) === plainText(right);
  if (Array.isArray(left) && Array.isArray(right)) return sameLists(left, right, depth);
  if (ArrayBuffer.isView(left) && ArrayBuffer.isView(right)) return sameNumbers(left, right);
  if (!isRecord(left) || !isRecord(right)) return Object.is(left, right);
  // How sure a model is of the same reading is no other reading.
  if (typeof left['text'] === 'string' && typeof right['text'] === 'string') return same(left['text'], right['text'], depth + 1);
  return Object.entries(left).every(([key, value]) => same(value, right[key], depth + 1));
}

function isNear(left: number, right: number): boolean {
  if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) && Number.isNaN(right);
  return left === right || Math.abs(left - right) <= TOLERANCE * Math.max(1, Math.abs(left), Math.abs(right));
}

function plainText(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').toLowerCase();
}

function sameLists(left: readonly unknown[], right: readonly unknown[], depth: number): boolean {
  if (left.length !== right.length) return false;
  const places = { left: left.map(boxOf), right: right.map(boxOf) };
  const isPlaced = places.left.every((box) => box !== undefined) && places.right.every((box) => box !== undefined);
  if (!isPlaced || left.length === 0) return left.every((each, index) => same(each, right[index], depth + 1));
  // Each thing takes the one that overlaps it most, of those that are left.
  const free = new Set(right.keys());
  return left.every((thing, index) => {
    const box = places.left[index] as Box;
    const partner = [...free]
      .filter((other) => nameOf(thing) === nameOf(right[other]))
      .map((other) => ({ other, overlap: overlapOf(box, places.right[other] as Box) }))
      .reduce((best, each) => (each.overlap > best.overlap ? each : best), { other: -1, overlap: 0 });
    if (partner.overlap < OVERLAP_MINIMUM) return false;
    free.delete(partner.other);
    return true;
  });
}

/** The upright box around a thing that was found; undefined for anything else. */
function boxOf(thing: unknown): Box | undefined {
  if (!isRecord(thing)) return undefined;
  const { box, quad } = thing;
  if (Array.isArray(box) && box.length === 4 && box.every((each) => typeof each === 'number')) return box as unknown as Box;
  if (!Array.isArray(quad) || !quad.every((point) => Array.isArray(point))) return undefined;
  const xs = quad.map(([x]) => Number(x));
  const ys = quad.map(([, y]) => Number(y));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function nameOf(thing: unknown): string {
  if (!isRecord(thing)) return '';
  if (typeof thing['text'] === 'string') return plainText(thing['text']);
  return String(thing['label'] ?? thing['class'] ?? '');
}

function overlapOf(one: Box, other: Box): number {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (areaOf(one) + areaOf(other) - both);
}

function areaOf([left, top, right, bottom]: Box): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

/** Scores of classes by which is first; pictures and maps by how far they are apart on the whole. */
function sameNumbers(left: ArrayBufferView, right: ArrayBufferView): boolean {
  const [one, other] = [left, right].map((view) => view as unknown as ArrayLike<number | bigint>) as [ArrayLike<number>, ArrayLike<number>];
  if (one.length !== other.length) return false;
  let [apart, size] = [0, 0];
  let [first, otherFirst] = [0, 0];
  for (let index = 0; index < one.length; index += 1) {
    const [a, b] = [Number(one[index]), Number(other[index])];
    apart += Math.abs(a - b);
    size += Math.max(Math.abs(a), Math.abs(b));
    if (a > Number(one[first])) first = index;
    if (b > Number(other[otherFirst])) otherFirst = index;
  }
  if (Number.isNaN(apart)) return false;
  if (apart <= TOLERANCE * Math.max(size, Number.MIN_VALUE) || apart === 0) return true;
  const isScores = one.length > 1 && one.length <= CLASSES_MAXIMUM && left instanceof Float32Array;
  return isScores && first === otherFirst && apart <= 0.5 * size;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
