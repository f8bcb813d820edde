import type { InferenceResult } from '@starling/shared';

/** Something that a result says of a place in the picture, or of the whole of it. */
export interface Mark {
  /** Corners in pixels of the image that was read. */
  quad?: [number, number][];
  label: string;
}

/** What can be shown of the outputs of any pipeline: readings, boxes, classes, texts. */
export function marksOf(outputs: Readonly<Record<string, unknown>>): Mark[] {
  return Object.values(outputs).flatMap((output) => (Array.isArray(output) ? output : [output]).flatMap(markOf));
}

function markOf(value: unknown): Mark[] {
  if (typeof value === 'string') return [{ label: value }];
  if (typeof value !== 'object' || value === null) return [];
  const { quad, text, label, score } = value as { quad?: unknown; text?: unknown; label?: unknown; score?: unknown };
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
  context.font = `600 ${textSize}px system-ui, sans-serif`;
  context.textBaseline = 'bottom';
  let line = 0;
  for (const { quad, label } of marksOf(outputs)) {
    if (quad === undefined) {
      line += 1;
      drawLabel(context, label, textSize * 0.4, line * textSize * 1.4, textSize);
      continue;
    }
    const corners = quad.map(([x, y]) => [x * scaleX, y * scaleY] as const);
    context.strokeStyle = '#38bdf8';
    context.beginPath();
    for (const [index, [x, y]] of corners.entries()) {
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.closePath();
    context.stroke();
    const [left, top] = [Math.min(...corners.map(([x]) => x)), Math.min(...corners.map(([, y]) => y))];
    if (label !== '') drawLabel(context, label, left, Math.max(textSize * 1.2, top - textSize * 0.15), textSize);
  }
  context.restore();
}

/** White on dark blue, whatever the picture is like. */
function drawLabel(context: CanvasRenderingContext2D, label: string, x: number, y: number, size: number): void {
  const { width } = context.measureText(label);
  context.fillStyle = 'rgba(8, 47, 73, 0.88)';
  context.fillRect(x, y - size * 1.15, width + size * 0.5, size * 1.2);
  context.fillStyle = '#ffffff';
  context.fillText(label, x + size * 0.25, y);
}
