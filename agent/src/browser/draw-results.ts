import type { InferenceResult } from '@starling/shared';
import { markStrength } from './mark-strength.ts';
import { type Area, overlap, placeLabel } from './place-label.ts';

/** Something that a result says of a place in the picture, or of the whole of it. */
export interface Mark {
  /** Corners in pixels of the image that was read. */
  quad?: [number, number][];
  label: string;
  /** The label is what stands in the picture there, and not what it shows. */
  isText?: boolean;
}

/** What can be shown of the outputs of any pipeline: readings, boxes, classes, texts, how loud it is. */
export function marksOf(outputs: Readonly<Record<string, unknown>>): Mark[] {
  return Object.values(outputs).flatMap((output) => (Array.isArray(output) ? output : [output]).flatMap(markOf));
}

function markOf(value: unknown): Mark[] {
  if (typeof value === 'string') return [{ label: value }];
  if (typeof value !== 'object' || value === null) return [];
  const { quad, text, label, score, rmsDb } = value as {
    quad?: unknown;
    text?: unknown;
    label?: unknown;
    score?: unknown;
    rmsDb?: unknown;
  };
  if (typeof rmsDb === 'number') return [{ label: `${Math.round(rmsDb)} dB` }];
  const named = [text, label].find((each) => typeof each === 'string' || typeof each === 'number');
  const share = typeof score === 'number' ? `${Math.round(score * 100)} %` : '';
  const words = named === undefined ? share : typeof text === 'string' ? text : `${String(named)} ${share}`.trim();
  if (isQuad(quad)) return [{ quad, label: words, isText: typeof text === 'string' }];
  return words === '' || named === undefined ? [] : [{ label: words }];
}

function isQuad(value: unknown): value is [number, number][] {
  return Array.isArray(value) && value.length === 4 && value.every((corner) => Array.isArray(corner) && corner.length === 2);
}

/** A canvas with a picture and what was read in it. */
export interface Stage {
  /** Draws the picture, and over it what was read last. A bitmap is given away: it is closed when another picture takes its place. */
  showPicture(picture: CanvasImageSource, width: number, height: number): void;
  /**
   * What was read now; drawn over the picture that is there.
   * @param takenMs when the frame was taken that it was read in, where newer ones are shown by now; by `performance.now()`
   */
  showResult(result: InferenceResult, takenMs?: number): void;
  /** Forgets what was read: another picture comes. */
  forget(): void;
}

/** Longest side of the canvas: more is not seen, and costs each frame. */
const SIDE_MAXIMUM = 1280;
const LINE_SHARE = 1 / 320;
const TEXT_SHARE = 1 / 36;
/** Beside the words of a label, of their size. */
const PADDING_SHARE = 0.25;
const FONT = "'Geist Variable', system-ui, sans-serif";

export function createStage(canvas: HTMLCanvasElement): Stage {
  const context = canvas.getContext('2d', { alpha: false });
  let picture: ImageBitmap | undefined;
  let shown: InferenceResult | undefined;
  /** Of what is shown, for as long as the canvas keeps its size. */
  let layout: Layout | undefined;
  let frame: { takenMs: number; readMs: number } | undefined;
  const overlay = (): void => {
    if (context === null || shown === undefined) return;
    const nowMs = performance.now();
    const strength = frame === undefined ? 1 : markStrength(nowMs - frame.takenMs, nowMs - frame.readMs);
    if (strength === 0) return;
    layout ??= layOut(context, canvas, shown);
    drawLayout(context, layout, strength);
  };
  return {
    showPicture(source, width, height) {
      const scale = Math.min(1, SIDE_MAXIMUM / Math.max(width, height));
      const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
      if (canvas.width !== wide || canvas.height !== high) {
        [canvas.width, canvas.height] = [wide, high];
        layout = undefined;
      }
      context?.drawImage(source, 0, 0, wide, high);
      // Megabytes outside of what the garbage collector counts.
      if (picture !== source) picture?.close();
      picture = source instanceof ImageBitmap ? source : undefined;
      overlay();
    },
    showResult(result, takenMs) {
      [shown, layout] = [result, undefined];
      frame = takenMs === undefined ? undefined : { takenMs, readMs: performance.now() };
      // A still picture is drawn anew, so that older marks go; a moving one comes by itself.
      if (picture !== undefined) context?.drawImage(picture, 0, 0, canvas.width, canvas.height);
      if (picture !== undefined) overlay();
    },
    forget() {
      [shown, layout] = [undefined, undefined];
    },
  };
}

type LabelBounds = Parameters<typeof placeLabel>[0];

/** Marks in pixels of the canvas. */
interface Layout {
  textSize: number;
  lineWidth: number;
  quads: (readonly [number, number][])[];
  labels: { text: string; area: Area }[];
}

function layOut(context: CanvasRenderingContext2D, canvas: HTMLCanvasElement, { outputs, image }: InferenceResult): Layout {
  const scaleX = canvas.width / (image?.width ?? canvas.width);
  const scaleY = canvas.height / (image?.height ?? canvas.height);
  const side = Math.max(canvas.width, canvas.height);
  const textSize = Math.max(12, side * TEXT_SHARE);
  const marks = marksOf(outputs).map(({ quad, label, isText = false }) => {
    const corners = quad?.map(([x, y]): [number, number] => [x * scaleX, y * scaleY]);
    return { label, isText, corners, area: corners && areaOf(corners) };
  });
  const labels: Layout['labels'] = [];
  const taken = marks.flatMap(({ area }) => area ?? []);
  context.font = fontOf(textSize);
  const add = (text: string, bounds: LabelBounds, notOver: readonly Area[]): boolean => {
    const area = labelArea(context, text, bounds, textSize, notOver);
    if (area === undefined) return false;
    taken.push(area);
    labels.push({ text, area });
    return true;
  };
  let line = 0;
  for (const { label, isText, area } of marks) {
    if (area === undefined) {
      const top = textSize * (0.25 + line * 1.4);
      add(label, { left: textSize * 0.4, top, bottom: top }, []);
      line += 1;
    } else if (label !== '') {
      const others = taken.filter((each) => !overlap(each, area));
      // No text is covered by what was read of another: all of it stands beside the picture too.
      if (!add(label, area, others) && !isText) add(label, area, []);
    }
  }
  return { textSize, lineWidth: Math.max(2, side * LINE_SHARE), quads: marks.flatMap(({ corners }) => (corners ? [corners] : [])), labels };
}

function areaOf(corners: readonly (readonly [number, number])[]): Area {
  const [across, down] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return { left: Math.min(...across), top: Math.min(...down), right: Math.max(...across), bottom: Math.max(...down) };
}

function fontOf(textSize: number): string {
  return `600 ${textSize}px ${FONT}`;
}

function labelArea(
  context: CanvasRenderingContext2D,
  label: string,
  bounds: LabelBounds,
  size: number,
  taken: readonly Area[],
): Area | undefined {
  const { canvas } = context;
  // Words that are wider than the picture are drawn narrower.
  const width = Math.min(canvas.width, context.measureText(label).width + 2 * size * PADDING_SHARE);
  const height = size * 1.2;
  const placed = placeLabel(bounds, { width, height }, canvas, size * 0.2, taken);
  return placed === undefined ? undefined : { ...placed, right: placed.left + width, bottom: placed.top + height };
}

function drawLayout(context: CanvasRenderingContext2D, { textSize, lineWidth, quads, labels }: Layout, strength: number): void {
  context.save();
  context.globalAlpha = strength;
  context.lineWidth = lineWidth;
  context.lineJoin = 'round';
  context.strokeStyle = '#2fb8a3';
  for (const quad of quads) {
    context.beginPath();
    for (const [index, [x, y]] of quad.entries()) {
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.closePath();
    context.stroke();
  }
  context.font = fontOf(textSize);
  context.textBaseline = 'bottom';
  const padding = textSize * PADDING_SHARE;
  for (const { text, area } of labels) {
    // White on near black, whatever the picture is like.
    context.fillStyle = 'rgba(8, 16, 17, 0.88)';
    context.fillRect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    context.fillStyle = '#ffffff';
    context.fillText(text, area.left + padding, area.bottom - textSize * 0.05, area.right - area.left - 2 * padding);
  }
  context.restore();
}
