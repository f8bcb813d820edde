import { type Bounds, boundsOf, type Contour, frame, moved, type Point, type Quad, rectangle } from './geometry.ts';
import { outlineText, type Typeface } from './typefaces.ts';

export interface Shape {
  contours: readonly Contour[];
  fill: string;
  opacity?: number;
}

/** A flat thing with text on it, in units of its own plane: (0, 0) is its top left corner. */
export interface Panel {
  width: number;
  height: number;
  shapes: Shape[];
  texts: { text: string; box: Quad }[];
}

export interface Line {
  text: string;
  face: Typeface;
  /** Height of a capital letter is about 0.7 of it. */
  size: number;
  fill: string;
  /** Where the line's middle is, or its left end if it is aligned to the left; `y` is the middle of its height. */
  x: number;
  y: number;
  align?: 'left' | 'middle';
  /** Between letters, as a part of the size. */
  spacing?: number;
  /** The line becomes smaller until it fits. */
  widthMaximum?: number;
}

export function emptyPanel(width: number, height: number): Panel {
  return { width, height, shapes: [], texts: [] };
}

export function addBoard(panel: Panel, { fill, radius = 0, opacity }: { fill: string; radius?: number; opacity?: number }): void {
  panel.shapes.push({ contours: [rectangle(whole(panel), radius)], fill, ...(opacity === undefined ? {} : { opacity }) });
}

export function addFrame(panel: Panel, options: { fill: string; inset: number; width: number; radius?: number }): void {
  const { inset, width, radius = 0, fill } = options;
  const bounds = { left: inset, top: inset, right: panel.width - inset, bottom: panel.height - inset };
  panel.shapes.push({ contours: frame(bounds, width, Math.max(0, radius - inset)), fill });
}

export function addRectangle(panel: Panel, bounds: Bounds, fill: string, radius = 0): void {
  panel.shapes.push({ contours: [rectangle(bounds, radius)], fill });
}

export function addPolygon(panel: Panel, contour: Contour, fill: string): void {
  panel.shapes.push({ contours: [contour], fill });
}

/** Draws a line of text and keeps it, with its box, as a truth of the scene. @returns where it lies on the panel */
export function addLine(panel: Panel, line: Line): Bounds {
  const { left, top, right, bottom } = drawLine(panel, line);
  const box: Quad = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
  panel.texts.push({ text: line.text, box });
  return { left, top, right, bottom };
}

function drawLine(panel: Panel, { text, face, size, fill, x, y, align = 'middle', spacing = 0, widthMaximum = Infinity }: Line): Bounds {
  const natural = boundsOf(outlineText(face, text, size, spacing));
  const fitting = Math.min(size, (size * widthMaximum) / (natural.right - natural.left));
  const outline = outlineText(face, text, fitting, spacing);
  const bounds = boundsOf(outline);
  const dx = x - (align === 'left' ? bounds.left : (bounds.left + bounds.right) / 2);
  const dy = y - (bounds.top + bounds.bottom) / 2;
  const contours: Point[][] = moved(outline, dx, dy);
  panel.shapes.push({ contours, fill });
  return boundsOf(contours);
}

function whole(panel: Panel): Bounds {
  return { left: 0, top: 0, right: panel.width, bottom: panel.height };
}
