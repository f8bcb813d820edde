import type { Rectangle } from '@starling/shared';

/** One number that moves steadily: where it is, how fast, and how sure both are. */
export interface Motion {
  value: number;
  /** Per second. */
  velocity: number;
  /** Covariance of value and velocity. */
  valueVariance: number;
  covariance: number;
  velocityVariance: number;
}

/** How unsure a measurement is, and how much what moves steadily strays from it, as shares of its size. */
const MEASURED_DEVIATION = 1 / 20;
const FRAMES_PER_SECOND = 30;
/**
 * The deviations of DeepSORT (Wojke et al. 2017), which ByteTrack took over: 1/20 of the size in place and 1/160 in speed for each
 * frame at 30 a second. Written as noise that grows with time, so that a dropped frame and two frames apart mean the same.
 */
const VALUE_NOISE_PER_SECOND = FRAMES_PER_SECOND * MEASURED_DEVIATION ** 2;
const VELOCITY_DEVIATION = FRAMES_PER_SECOND / 160;
const VELOCITY_NOISE_PER_SECOND = FRAMES_PER_SECOND * VELOCITY_DEVIATION ** 2;

/** What is known after the first measurement: as there, twice the deviation in place and ten times that in speed. */
export function startMotion(value: number, size: number): Motion {
  return {
    value,
    velocity: 0,
    valueVariance: (2 * MEASURED_DEVIATION * size) ** 2,
    covariance: 0,
    velocityVariance: (10 * VELOCITY_DEVIATION * size) ** 2,
  };
}

/**
 * Where it will be: the constant-velocity model with white noise on value and speed, over any time. Twice the half is the whole.
 * @param size what the noise is relative to
 */
export function predictMotion(motion: Motion, seconds: number, size: number): void {
  const noise = VELOCITY_NOISE_PER_SECOND * size ** 2;
  motion.value += motion.velocity * seconds;
  motion.valueVariance +=
    2 * seconds * motion.covariance +
    seconds ** 2 * motion.velocityVariance +
    VALUE_NOISE_PER_SECOND * size ** 2 * seconds +
    (noise * seconds ** 3) / 3;
  motion.covariance += seconds * motion.velocityVariance + (noise * seconds ** 2) / 2;
  motion.velocityVariance += noise * seconds;
}

export function correctMotion(motion: Motion, measured: number, size: number): void {
  const variance = motion.valueVariance + (MEASURED_DEVIATION * size) ** 2;
  const [valueGain, velocityGain] = [motion.valueVariance / variance, motion.covariance / variance];
  const innovation = measured - motion.value;
  motion.value += valueGain * innovation;
  motion.velocity += velocityGain * innovation;
  motion.velocityVariance -= velocityGain * motion.covariance;
  motion.covariance *= 1 - valueGain;
  motion.valueVariance *= 1 - valueGain;
}

/**
 * A box in motion: its centre and its sides. Each noise is of one of them alone, so the covariance of the whole falls apart into four
 * of two by two, and one filter of eight dimensions is four of two.
 */
export interface BoxFilter {
  x: Motion;
  y: Motion;
  width: Motion;
  height: Motion;
  /** The sides when it was last seen: what the noise is relative to until it is seen again. */
  seenWidth: number;
  seenHeight: number;
}

/** Noise of boxes that are thinner, in pixels: a detector does not see finer than that, and nothing divides by 0. */
const SIZE_MINIMUM = 1;

export function startBox(box: Rectangle): BoxFilter {
  const { x, y, width, height } = measuresOf(box);
  const [seenWidth, seenHeight] = [Math.max(SIZE_MINIMUM, width), Math.max(SIZE_MINIMUM, height)];
  return {
    x: startMotion(x, seenWidth),
    y: startMotion(y, seenHeight),
    width: startMotion(width, seenWidth),
    height: startMotion(height, seenHeight),
    seenWidth,
    seenHeight,
  };
}

export function predictBox(filter: BoxFilter, seconds: number): void {
  predictMotion(filter.x, seconds, filter.seenWidth);
  predictMotion(filter.y, seconds, filter.seenHeight);
  predictMotion(filter.width, seconds, filter.seenWidth);
  predictMotion(filter.height, seconds, filter.seenHeight);
}

export function correctBox(filter: BoxFilter, box: Rectangle): void {
  const { x, y, width, height } = measuresOf(box);
  correctMotion(filter.x, x, filter.seenWidth);
  correctMotion(filter.y, y, filter.seenHeight);
  correctMotion(filter.width, width, filter.seenWidth);
  correctMotion(filter.height, height, filter.seenHeight);
  filter.seenWidth = Math.max(SIZE_MINIMUM, filter.width.value);
  filter.seenHeight = Math.max(SIZE_MINIMUM, filter.height.value);
}

/** Out of sight a thing moves on, but keeps its size: what grew for a moment would cover the picture after a second. */
export function holdSize(filter: BoxFilter): void {
  for (const side of [filter.width, filter.height]) {
    side.velocity = 0;
    side.covariance = 0;
  }
}

/** The likely box. A side that shrinks steadily ends at nothing, not below. */
export function likelyBox({ x, y, width, height }: BoxFilter): Rectangle {
  const [halfWidth, halfHeight] = [Math.max(0, width.value) / 2, Math.max(0, height.value) / 2];
  return [x.value - halfWidth, y.value - halfHeight, x.value + halfWidth, y.value + halfHeight];
}

function measuresOf([left, top, right, bottom]: Rectangle): { x: number; y: number; width: number; height: number } {
  return { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left, height: bottom - top };
}
