interface Size {
  width: number;
  height: number;
}

/** Around what a label names, in pixels of the canvas. */
interface Bounds {
  left: number;
  top: number;
  bottom: number;
}

/** A part of the picture, in pixels of the canvas. */
export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * Top left corner of a label: above what it names, or below it, and always inside the picture. What fills the picture from top to bottom has
 * it inside.
 * @param taken what must not be covered
 * @returns undefined where there is no room
 */
export function placeLabel(
  bounds: Bounds,
  label: Size,
  picture: Size,
  gap: number,
  taken: readonly Area[] = [],
): { left: number; top: number } | undefined {
  const left = Math.max(0, Math.min(bounds.left, picture.width - label.width));
  const above = bounds.top - gap - label.height;
  const below = bounds.bottom + gap;
  const tops: number[] = [];
  if (above >= 0) tops.push(Math.min(above, picture.height - label.height));
  if (below + label.height <= picture.height) tops.push(Math.max(0, below));
  if (tops.length === 0) tops.push(0);
  const top = tops.find((each) => {
    const area = { left, top: each, right: left + label.width, bottom: each + label.height };
    return !taken.some((other) => overlap(area, other));
  });
  return top === undefined ? undefined : { left, top };
}

export function overlap(one: Area, other: Area): boolean {
  return one.left < other.right && one.right > other.left && one.top < other.bottom && one.bottom > other.top;
}
