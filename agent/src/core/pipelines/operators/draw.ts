import type { Detection, OperatorParams } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { blendPixel, type Colour, drawFrame, drawLine, drawPath, fillDisc, fillRectangle } from './canvas.ts';
import { boundsOf, cornersOf } from './geometry.ts';
import { LETTER_HEIGHT, widthOfText, writeText } from './lettering.ts';
import { LUMA } from './luma.ts';
import { visitCovered } from './mask.ts';
import { boxesOf, detectionsOf, imageOf, type Point } from './values.ts';

type Params = OperatorParams<'image.draw'>;

/** Colours that differ on photographs, also for most people who see fewer of them. */
const palette: readonly Colour[] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
  [255, 255, 255],
];

export function drawOverlay(inputs: Readonly<Record<string, unknown>>, params: Params) {
  const source = imageOf(inputs, 'image');
  const detections = inputs['detections'] === undefined ? [] : detectionsOf(inputs, 'detections');
  const boxes = inputs['boxes'] === undefined ? [] : boxesOf(inputs, 'boxes');
  // The picture is also on its way to others.
  const image = { width: source.width, height: source.height, data: new Uint8Array(source.data) };
  const style = styleOf(image, params);
  for (const zone of params.zones) {
    const points = zone.map(([x, y]): Point => (params.zoneUnit === 'share' ? [x * image.width, y * image.height] : [x, y]));
    drawPath(image, points, points.length > 2, style.lineWidth, style.colourOf(0));
  }
  // Masks first: no mask of one thing lies over the lines of another.
  for (const [index, detection] of detections.entries()) {
    if (detection.mask === undefined) continue;
    const colour = style.colourOf(detection.track ?? detection.class);
    const field = `detections.${index}.mask`;
    visitCovered(detection, image, field, (x, y) => blendPixel(image, x, y, colour, params.maskOpacity));
  }
  for (const { quad } of boxes) drawPath(image, quad, true, style.lineWidth, style.colourOf(0));
  for (const detection of detections) drawDetection(image, detection, params, style);
  return { image };
}

interface Style {
  lineWidth: number;
  /** Pixels of a dot of a letter. */
  dot: number;
  colourOf(number: number): Colour;
}

/** Lines are seen when a picture is shown as wide as a screen, however many pixels it has. */
const LINES_ALONG_SIDE = 400;

function styleOf({ width, height }: RawImage, params: Params): Style {
  const lineWidth = params.lineWidth ?? Math.max(1, Math.round(Math.max(width, height) / LINES_ALONG_SIDE));
  const fixed = params.colour === undefined ? undefined : parseColour(params.colour);
  return {
    lineWidth,
    dot: params.textScale ?? lineWidth,
    colourOf: (number) => fixed ?? (palette[number % palette.length] as Colour),
  };
}

function parseColour(text: string): Colour {
  const value = Number.parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function drawDetection(image: RawImage, detection: Detection, params: Params, style: Style): void {
  const colour = style.colourOf(detection.track ?? detection.class);
  const { lineWidth } = style;
  if ((detection.angle ?? 0) === 0) drawFrame(image, detection.box, lineWidth, colour);
  else drawPath(image, cornersOf(detection), true, lineWidth, colour);
  const isSeen = (index: number): boolean => (detection.keypoints?.[index]?.[2] ?? 0) >= params.keypointThreshold;
  for (const [from, to] of params.skeleton) {
    const [start, end] = [detection.keypoints?.[from], detection.keypoints?.[to]];
    if (start !== undefined && end !== undefined && isSeen(from) && isSeen(to)) {
      drawLine(image, [start[0], start[1]], [end[0], end[1]], lineWidth, colour);
    }
  }
  for (const [index, [x, y]] of (detection.keypoints ?? []).entries()) {
    if (isSeen(index)) fillDisc(image, [x, y], lineWidth + 1, colour);
  }
  if (params.labels) drawLabel(image, detection, style, colour);
}

/** Above the box where the picture has room, otherwise inside it. */
function drawLabel(image: RawImage, detection: Detection, { dot, lineWidth }: Style, colour: Colour): void {
  const { label, score, track } = detection;
  const text = `${label ?? detection.class} ${score.toFixed(2)}${track === undefined ? '' : ` #${track}`}`;
  const [width, height] = [widthOfText(text, dot) + 2 * dot, (LETTER_HEIGHT + 2) * dot];
  const [boxLeft, boxTop] = boundsOf(cornersOf(detection));
  const left = Math.round(Math.max(0, Math.min(image.width - width, boxLeft - lineWidth / 2)));
  const above = Math.round(boxTop - lineWidth / 2) - height;
  const top = above >= 0 ? above : Math.max(0, Math.round(boxTop + lineWidth / 2));
  fillRectangle(image, [left, top, left + width, top + height], colour);
  const luma = LUMA[0] * colour[0] + LUMA[1] * colour[1] + LUMA[2] * colour[2];
  writeText(image, text, left + dot, top + dot, dot, luma > 127 ? [0, 0, 0] : [255, 255, 255]);
}
