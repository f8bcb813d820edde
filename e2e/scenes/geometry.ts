export type Point = [number, number];
export type Contour = readonly Point[];
export type Quad = [Point, Point, Point, Point];

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function boundsOf(contours: readonly Contour[]): Bounds {
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [x, y] of contours.flat()) {
    bounds.left = Math.min(bounds.left, x);
    bounds.top = Math.min(bounds.top, y);
    bounds.right = Math.max(bounds.right, x);
    bounds.bottom = Math.max(bounds.bottom, y);
  }
  return bounds;
}

export function moved(contours: readonly Contour[], dx: number, dy: number): Point[][] {
  return contours.map((contour) => contour.map(([x, y]): Point => [x + dx, y + dy]));
}

const CORNER_STEPS = 5;

/** A rectangle with round corners, clockwise. */
export function rectangle({ left, top, right, bottom }: Bounds, radius = 0): Point[] {
  const corners = [
    { x: right - radius, y: top + radius, from: -90 },
    { x: right - radius, y: bottom - radius, from: 0 },
    { x: left + radius, y: bottom - radius, from: 90 },
    { x: left + radius, y: top + radius, from: 180 },
  ];
  const steps = radius > 0 ? CORNER_STEPS : 0;
  return corners.flatMap(({ x, y, from }) =>
    Array.from({ length: steps + 1 }, (_, step): Point => {
      const angle = ((from + (steps === 0 ? 0 : (90 * step) / steps)) * Math.PI) / 180;
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    }),
  );
}

/** The band between a rectangle and the same rectangle `width` further in. */
export function frame(bounds: Bounds, width: number, radius = 0): Point[][] {
  const { left, top, right, bottom } = bounds;
  const inside = { left: left + width, top: top + width, right: right - width, bottom: bottom - width };
  // Turned the other way round, so that the inside stays empty under the non-zero rule.
  return [rectangle(bounds, radius), rectangle(inside, Math.max(0, radius - width)).reverse()];
}

/** A quadrilateral around (0, 0), seen from a camera: rotated in space, then projected. Maps points of the plane to the picture. */
export interface View {
  /** Degrees about the upright axis, the level axis and the line of sight. */
  yaw: number;
  pitch: number;
  roll: number;
  /** Distance of the camera, in the units of the plane. */
  distance: number;
}

export function projection({ yaw, pitch, roll, distance }: View): (point: Point) => Point {
  const [sinYaw, cosYaw] = [Math.sin(radians(yaw)), Math.cos(radians(yaw))];
  const [sinPitch, cosPitch] = [Math.sin(radians(pitch)), Math.cos(radians(pitch))];
  const [sinRoll, cosRoll] = [Math.sin(radians(roll)), Math.cos(radians(roll))];
  return ([x, y]) => {
    const turnedX = x * cosYaw;
    const depth = x * sinYaw;
    const turnedY = y * cosPitch - depth * sinPitch;
    const scale = distance / (distance + y * sinPitch + depth * cosPitch);
    const [seenX, seenY] = [turnedX * scale, turnedY * scale];
    return [seenX * cosRoll - seenY * sinRoll, seenX * sinRoll + seenY * cosRoll];
  };
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
