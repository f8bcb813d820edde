import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { StarlingError } from '@starling/shared';
import opentype, { type Font, type PathCommand } from 'opentype.js';
import type { Contour, Point } from './geometry.ts';

const files = {
  highway: 'overpass/files/overpass-latin-700-normal.woff',
  highwayLight: 'overpass/files/overpass-latin-500-normal.woff',
  narrow: 'barlow-condensed/files/barlow-condensed-latin-600-normal.woff',
  tall: 'oswald/files/oswald-latin-500-normal.woff',
  serif: 'lora/files/lora-latin-600-normal.woff',
  script: 'lobster/files/lobster-latin-400-normal.woff',
  typed: 'b612-mono/files/b612-mono-latin-400-normal.woff',
  printed: 'share-tech-mono/files/share-tech-mono-latin-400-normal.woff',
  stencil: 'saira-stencil-one/files/saira-stencil-one-latin-400-normal.woff',
} as const;
export type Typeface = keyof typeof files;

const CURVE_STEPS = 6;
const require = createRequire(import.meta.url);
const parsed = new Map<Typeface, Font>();

/** Fonts come from packages, never from the machine, so every machine draws the same letters. */
function fontOf(face: Typeface): Font {
  const known = parsed.get(face);
  if (known !== undefined) return known;
  const bytes = readFileSync(require.resolve(`@fontsource/${files[face]}`));
  const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  parsed.set(face, font);
  return font;
}

/**
 * Outlines of a line of text whose baseline starts at (0, 0), y down, curves as short straight lines: those can be projected exactly.
 * Letters are set one by one with kerning; ligatures and contextual forms would need tables that the font reader does not know.
 *
 * @param spacing added between letters, as a part of the size
 * @throws StarlingError `no-glyph` where the typeface would draw an empty box
 */
export function outlineText(face: Typeface, text: string, size: number, spacing = 0): Contour[] {
  const font = fontOf(face);
  const scale = size / font.unitsPerEm;
  const glyphs = [...text].map((character) => {
    const glyph = font.charToGlyph(character);
    if (glyph.index === 0)
      throw new StarlingError('no-glyph', `${face} has no "${character}"`, { field: 'text', hint: 'choose another typeface' });
    return glyph;
  });
  let x = 0;
  return glyphs.flatMap((glyph, place) => {
    const outline = contoursOf(glyph.getPath(x, 0, size).commands);
    const next = glyphs[place + 1];
    x += (glyph.advanceWidth ?? 0) * scale + spacing * size + (next === undefined ? 0 : font.getKerningValue(glyph, next) * scale);
    return outline;
  });
}

function contoursOf(commands: readonly PathCommand[]): Contour[] {
  const contours: Point[][] = [];
  let contour: Point[] = [];
  let at: Point = [0, 0];
  for (const command of commands) {
    if (command.type === 'Z') continue;
    const end: Point = [command.x, command.y];
    if (command.type === 'M') {
      contour = [end];
      contours.push(contour);
    } else if (command.type === 'L') contour.push(end);
    else {
      const first: Point = [command.x1, command.y1];
      const second: Point = command.type === 'C' ? [command.x2, command.y2] : first;
      const degree = command.type === 'C' ? 3 : 2;
      for (let step = 1; step <= CURVE_STEPS; step += 1) contour.push(onCurve(degree, [at, first, second, end], step / CURVE_STEPS));
    }
    at = end;
  }
  return contours;
}

function onCurve(degree: 2 | 3, [from, first, second, end]: readonly [Point, Point, Point, Point], t: number): Point {
  const rest = 1 - t;
  const weights =
    degree === 2
      ? ([rest * rest, 2 * rest * t, 0, t * t] as const)
      : ([rest * rest * rest, 3 * rest * rest * t, 3 * rest * t * t, t * t * t] as const);
  const along = (axis: 0 | 1): number =>
    weights[0] * from[axis] + weights[1] * first[axis] + weights[2] * second[axis] + weights[3] * end[axis];
  return [along(0), along(1)];
}
