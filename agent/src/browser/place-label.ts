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

/** Top left corner of a label: above what it names, below it where there is no room above, and always inside the picture. */
export function placeLabel(bounds: Bounds, label: Size, picture: Size, gap: number): { left: number; top: number } {
  const left = Math.max(0, Math.min(bounds.left, picture.width - label.width));
  const above = bounds.top - gap - label.height;
  const below = bounds.bottom + gap;
  if (above >= 0) return { left, top: Math.min(above, picture.height - label.height) };
  if (below + label.height <= picture.height) return { left, top: Math.max(0, below) };
  return { left, top: 0 };
}
