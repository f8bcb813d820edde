import type { Reading } from '@starling/shared';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Label {
  text: string;
  quad: Reading['quad'];
}

/** Widths of the letters of a fixed-width face, in heights of its letters. */
const LETTER_WIDTH = 0.6;

/**
 * Where each label goes: above its quad, below it, right or left of it, whichever is free of other quads and of labels placed before
 * and inside the image. One that fits nowhere gets none: its text stands in the list.
 * @param size height of the letters, in pixels of the image
 */
export function placeLabels(labels: readonly Label[], size: number, image: { width: number; height: number }): (Box | undefined)[] {
  const quads = labels.map(({ quad }) => boundsOf(quad));
  const taken: Box[] = [];
  return labels.map(({ text }, index) => {
    const own = quads[index];
    if (own === undefined) return undefined;
    const others = [...quads.filter((_, other) => other !== index), ...taken];
    const place = candidates(own, labelSize(text, size), size * 0.15).find(
      (box) => isInside(box, image) && !others.some((other) => overlap(box, other)),
    );
    if (place !== undefined) taken.push(place);
    return place;
  });
}

/** Size of the plate behind a text. */
export function labelSize(text: string, size: number): Pick<Box, 'width' | 'height'> {
  return { width: (text.length * LETTER_WIDTH + LETTER_WIDTH) * size, height: size * 1.3 };
}

export function boundsOf(quad: Reading['quad']): Box {
  const [xs, ys] = [quad.map(([x]) => x), quad.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function candidates({ x, y, width, height }: Box, label: Pick<Box, 'width' | 'height'>, gap: number): Box[] {
  const middle = y + (height - label.height) / 2;
  return [
    { ...label, x, y: y - label.height - gap },
    { ...label, x, y: y + height + gap },
    { ...label, x: x + width + gap, y: middle },
    { ...label, x: x - label.width - gap, y: middle },
    { ...label, x: x + width - label.width, y: y - label.height - gap },
    { ...label, x: x + width - label.width, y: y + height + gap },
  ];
}

function isInside({ x, y, width, height }: Box, image: { width: number; height: number }): boolean {
  return x >= 0 && y >= 0 && x + width <= image.width && y + height <= image.height;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
