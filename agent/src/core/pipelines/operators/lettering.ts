import type { RawImage } from '../../ports/image-codec.ts';
import { type Colour, fillRectangle } from './canvas.ts';

/** Dots of a letter, and what stands between two. */
export const LETTER_WIDTH = 5;
export const LETTER_HEIGHT = 7;
export const LETTER_STEP = LETTER_WIDTH + 1;

/** Rows of dots from the top, the left one as the highest of five bits. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  B: [30, 17, 17, 30, 17, 17, 30],
  C: [14, 17, 16, 16, 16, 17, 14],
  D: [30, 17, 17, 17, 17, 17, 30],
  E: [31, 16, 16, 30, 16, 16, 31],
  F: [31, 16, 16, 30, 16, 16, 16],
  G: [14, 17, 16, 23, 17, 17, 15],
  H: [17, 17, 17, 31, 17, 17, 17],
  I: [14, 4, 4, 4, 4, 4, 14],
  J: [7, 2, 2, 2, 2, 18, 12],
  K: [17, 18, 20, 24, 20, 18, 17],
  L: [16, 16, 16, 16, 16, 16, 31],
  M: [17, 27, 21, 21, 17, 17, 17],
  N: [17, 25, 21, 19, 17, 17, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  P: [30, 17, 17, 30, 16, 16, 16],
  Q: [14, 17, 17, 17, 21, 18, 13],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  U: [17, 17, 17, 17, 17, 17, 14],
  V: [17, 17, 17, 17, 17, 10, 4],
  W: [17, 17, 17, 21, 21, 27, 17],
  X: [17, 17, 10, 4, 10, 17, 17],
  Y: [17, 17, 10, 4, 4, 4, 4],
  Z: [31, 1, 2, 4, 8, 16, 31],
  '0': [14, 17, 19, 21, 25, 17, 14],
  '1': [4, 12, 4, 4, 4, 4, 14],
  '2': [14, 17, 1, 6, 8, 16, 31],
  '3': [14, 17, 1, 6, 1, 17, 14],
  '4': [2, 6, 10, 18, 31, 2, 2],
  '5': [31, 16, 30, 1, 1, 17, 14],
  '6': [6, 8, 16, 30, 17, 17, 14],
  '7': [31, 1, 2, 4, 8, 8, 8],
  '8': [14, 17, 17, 14, 17, 17, 14],
  '9': [14, 17, 17, 15, 1, 2, 12],
  ' ': [0, 0, 0, 0, 0, 0, 0],
  '.': [0, 0, 0, 0, 0, 12, 12],
  ',': [0, 0, 0, 0, 12, 4, 8],
  ':': [0, 12, 12, 0, 12, 12, 0],
  '-': [0, 0, 0, 31, 0, 0, 0],
  _: [0, 0, 0, 0, 0, 0, 31],
  '+': [0, 4, 4, 31, 4, 4, 0],
  '/': [1, 1, 2, 4, 8, 16, 16],
  '%': [24, 25, 2, 4, 8, 19, 3],
  '#': [10, 10, 31, 10, 31, 10, 10],
  '(': [2, 4, 8, 8, 8, 4, 2],
  ')': [8, 4, 2, 2, 2, 4, 8],
  '&': [12, 18, 20, 8, 21, 18, 13],
  "'": [4, 4, 8, 0, 0, 0, 0],
  '!': [4, 4, 4, 4, 4, 0, 4],
  '?': [14, 17, 1, 2, 4, 0, 4],
};

/** What there is no glyph for. */
const UNKNOWN = [31, 17, 17, 17, 17, 17, 31];

/**
 * Writes in capital letters of 5 x 7 dots, the same on every runtime.
 * @param dot pixels along the side of a dot
 */
export function writeText(image: RawImage, text: string, left: number, top: number, dot: number, colour: Colour): void {
  let x = left;
  for (const letter of lettersOf(text)) {
    const rows = Object.hasOwn(glyphs, letter) ? (glyphs[letter] as readonly number[]) : UNKNOWN;
    for (const [row, dots] of rows.entries()) {
      for (let column = 0; column < LETTER_WIDTH; column += 1) {
        if (((dots >> (LETTER_WIDTH - 1 - column)) & 1) === 0) continue;
        const [dotLeft, dotTop] = [x + column * dot, top + row * dot];
        fillRectangle(image, [dotLeft, dotTop, dotLeft + dot, dotTop + dot], colour);
      }
    }
    x += LETTER_STEP * dot;
  }
}

/** Pixels that a text takes across, without the gap behind its last letter. */
export function widthOfText(text: string, dot: number): number {
  const count = lettersOf(text).length;
  return count === 0 ? 0 : (count * LETTER_STEP - 1) * dot;
}

function lettersOf(text: string): string[] {
  // Not by the language of the machine: some turn an i into an İ.
  return [...text.toUpperCase()];
}
