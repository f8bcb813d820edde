import { type Bounds, boundsOf, type Point, projection } from './geometry.ts';
import type { Panel, Shape } from './panel.ts';
import type { Random } from './random.ts';
import type { SceneText } from './scene.ts';

/** A panel as the camera sees it, in pixels of the picture. */
export interface Seen {
  shapes: Shape[];
  texts: SceneText[];
  /** Pixels of the picture for one unit of the panel. */
  scale: number;
}

/** Turns a panel in space, projects it and moves it into a part of the picture, wholly. */
export function look(panel: Panel, slot: Bounds, random: Random): Seen {
  const steep = random.chance(0.3);
  const project = projection({
    yaw: random.normal() * (steep ? 26 : 12),
    pitch: random.normal() * (steep ? 16 : 7),
    roll: random.normal() * 3.5,
    distance: Math.max(panel.width, panel.height) * random.between(1.5, 3.5),
  });
  const centred = ([x, y]: Point): Point => project([x - panel.width / 2, y - panel.height / 2]);
  const corners: Point[] = [
    [0, 0],
    [panel.width, 0],
    [panel.width, panel.height],
    [0, panel.height],
  ];
  const seen = boundsOf([corners.map(centred)]);
  const room = { width: slot.right - slot.left, height: slot.bottom - slot.top };
  const size = { width: seen.right - seen.left, height: seen.bottom - seen.top };
  const scale = Math.min(room.width / size.width, room.height / size.height) * random.between(0.72, 1);
  // What room is left is spread at random to both sides.
  const left = slot.left + (room.width - size.width * scale) * random.between(0, 1);
  const top = slot.top + (room.height - size.height * scale) * random.between(0, 1);
  const toPicture = (point: Point): Point => {
    const [x, y] = centred(point);
    return [left + (x - seen.left) * scale, top + (y - seen.top) * scale];
  };
  return {
    scale,
    shapes: panel.shapes.map((shape) => ({ ...shape, contours: shape.contours.map((contour) => contour.map(toPicture)) })),
    texts: panel.texts.map(({ text, box: [a, b, c, d] }) => ({
      text,
      box: [rounded(toPicture(a)), rounded(toPicture(b)), rounded(toPicture(c)), rounded(toPicture(d))],
    })),
  };
}

function rounded([x, y]: Point): Point {
  return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
}
