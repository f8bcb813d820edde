import sharp, { type Sharp } from 'sharp';
import type { Random } from './random.ts';
import { SCENE_HEIGHT, SCENE_WIDTH } from './scene.ts';

/** A prime, so that rows of the picture never repeat its noise in step. */
const NOISE_LENGTH = 65_537;

/** What a real camera adds: too few pixels, a moving hand, soft focus, noise, and JPEG. @returns the bytes of a JPEG file */
export async function expose(svg: string, random: Random): Promise<Uint8Array> {
  const far = random.chance(0.3) ? random.between(0.55, 0.85) : 1;
  const focus = random.chance(0.5) ? random.between(0.35, 1.7) : 0;
  const shake = random.chance(0.18) ? random.integer(3, 7) : 0;
  const level = random.chance(0.6) ? random.between(2, 22) : 1;
  const quality = random.integer(55, 94);
  let picture = sharp(Buffer.from(svg)).removeAlpha().toColourspace('srgb');
  if (far < 1) picture = await settled(picture.resize(Math.round(SCENE_WIDTH * far), Math.round(SCENE_HEIGHT * far), { fit: 'fill' }));
  if (focus > 0) picture = picture.blur(focus);
  if (shake > 0) picture = (await settled(picture)).convolve(shakeKernel(shake, random));
  if (far < 1) picture = (await settled(picture)).resize(SCENE_WIDTH, SCENE_HEIGHT, { fit: 'fill', kernel: 'linear' });
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  addNoise(data, info.width * info.channels, level, random);
  const raw = { width: info.width, height: info.height, channels: 3 as const };
  return sharp(data, { raw }).jpeg({ quality, chromaSubsampling: '4:2:0' }).toBuffer();
}

/** sharp orders its steps itself; what must come before the next step is done here and now. */
async function settled(picture: Sharp): Promise<Sharp> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

/** A straight line through the middle of a square. */
function shakeKernel(length: number, random: Random): { width: number; height: number; kernel: number[] } {
  const width = length % 2 === 1 ? length : length + 1;
  const angle = random.between(0, Math.PI);
  const kernel = new Array<number>(width * width).fill(0);
  const middle = (width - 1) / 2;
  for (let step = -middle; step <= middle; step += 0.5) {
    const [x, y] = [Math.round(middle + step * Math.cos(angle)), Math.round(middle + step * Math.sin(angle))];
    kernel[y * width + x] = 1;
  }
  return { width, height: width, kernel };
}

/** Adds normal noise in place. Each row starts elsewhere in one table: two million draws a picture would take longer than drawing it. */
function addNoise(pixels: Uint8Array, rowBytes: number, level: number, random: Random): void {
  const noise = Float32Array.from({ length: NOISE_LENGTH }, () => random.normal() * level);
  // Clamps by itself, faster than any call could.
  const clamped = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  for (let row = 0; row < clamped.length; row += rowBytes) {
    let from = random.integer(0, NOISE_LENGTH - 1);
    for (let at = row; at < row + rowBytes; at += 1) {
      clamped[at] = Math.floor((clamped[at] as number) + (noise[from] as number) + 0.5);
      from = from + 1 === NOISE_LENGTH ? 0 : from + 1;
    }
  }
}
