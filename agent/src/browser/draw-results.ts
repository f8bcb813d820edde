import type { InferenceResult } from '@starling/shared';
import { placeLabel } from './place-label.ts';

/** Something that a result says of a place in the picture, or of the whole of it. */
export interface Mark {
  /** Corners in pixels of the image that was read. */
  quad?: [number, number][];
  label: string;
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
  if (isQuad(quad)) return [{ quad, label: words }];
  return words === '' || named === undefined ? [] : [{ label: words }];
}

function isQuad(value: unknown): value is [number, number][] {
  return Array.isArray(value) && value.length === 4 && value.every((corner) => Array.isArray(corner) && corner.length === 2);
}

/** A canvas with a picture and what was read in it. */
export interface Stage {
  /** Draws the picture, and over it what was read last. A bitmap is given away: it is closed when another picture takes its place. */
  showPicture(picture: CanvasImageSource, width: number, height: number): void;
  /** What was read now; drawn over the picture that is there. */
  showResult(result: InferenceResult): void;
  /** Forgets what was read: another picture comes. */
  forget(): void;
}

/** Longest side of the canvas: more is not seen, and costs each frame. */
const SIDE_MAXIMUM = 1280;
const LINE_SHARE = 1 / 320;
const TEXT_SHARE = 1 / 36;
const FONT = "'Geist Variable', system-ui, sans-serif";

export function createStage(canvas: HTMLCanvasElement): Stage {
  const context = canvas.getContext('2d', { alpha: false });
  let picture: ImageBitmap | undefined;
  let shown: InferenceResult | undefined;
  const overlay = (): void => {
    if (context === null || shown === undefined) return;
    drawMarks(context, canvas, shown);
  };
  return {
    showPicture(source, width, height) {
      const scale = Math.min(1, SIDE_MAXIMUM / Math.max(width, height));
      const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
      if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
      context?.drawImage(source, 0, 0, wide, high);
      // Megabytes outside of what the garbage collector counts.
      if (picture !== source) picture?.close();
      picture = source instanceof ImageBitmap ? source : undefined;
      overlay();
    },
    showResult(result) {
      shown = result;
      // A still picture is drawn anew, so that older marks go; a moving one comes by itself.
      if (picture !== undefined) context?.drawImage(picture, 0, 0, canvas.width, canvas.height);
      if (picture !== undefined) overlay();
    },
    forget() {
      shown = undefined;
    },
  };
}

function drawMarks(context: CanvasRenderingContext2D, canvas: HTMLCanvasElement, { outputs, image }: InferenceResult): void {
  const scaleX = canvas.width / (image?.width ?? canvas.width);
  const scaleY = canvas.height / (image?.height ?? canvas.height);
  const side = Math.max(canvas.width, canvas.height);
  const textSize = Math.max(12, side * TEXT_SHARE);
  context.save();
  context.lineWidth = Math.max(2, side * LINE_SHARE);
  context.lineJoin = 'round';
  context.font = `600 ${textSize}px ${FONT}`;
  context.textBaseline = 'bottom';
  let line = 0;
  for (const { quad, label } of marksOf(outputs)) {
    if (quad === undefined) {
      const top = textSize * (0.25 + line * 1.4);
      drawLabel(context, label, { left: textSize * 0.4, top, bottom: top }, textSize);
      line += 1;
      continue;
    }
    const corners = quad.map(([x, y]) => [x * scaleX, y * scaleY] as const);
    context.strokeStyle = '#2fb8a3';
    context.beginPath();
    for (const [index, [x, y]] of corners.entries()) {
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.closePath();
    context.stroke();
    const [across, down] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
    const bounds = { left: Math.min(...across), top: Math.min(...down), bottom: Math.max(...down) };
    if (label !== '') drawLabel(context, label, bounds, textSize);
  }
  context.restore();
}

/** White on near black, whatever the picture is like. */
function drawLabel(context: CanvasRenderingContext2D, label: string, bounds: Parameters<typeof placeLabel>[0], size: number): void {
  const { canvas } = context;
  const padding = size * 0.25;
  // Words that are wider than the picture are drawn narrower.
  const width = Math.min(canvas.width, context.measureText(label).width + 2 * padding);
  const height = size * 1.2;
  const { left, top } = placeLabel(bounds, { width, height }, canvas, size * 0.2);
  context.fillStyle = 'rgba(8, 16, 17, 0.88)';
  context.fillRect(left, top, width, height);
  context.fillStyle = '#ffffff';
  context.fillText(label, left + padding, top + height - size * 0.05, width - 2 * padding);
}
