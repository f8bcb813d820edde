/**
 * Red, green and blue of each pixel. Four pixels are written as three whole words, in half of the time of single bytes; words are
 * little-endian wherever a browser runs.
 * @param rgba [pixels, 4]
 * @returns [pixels, 3]
 */
export function withoutAlpha(rgba: Uint8ClampedArray, pixels: number): Uint8Array {
  const words = new Uint32Array(Math.ceil((pixels * 3) / 4));
  const rgb = new Uint8Array(words.buffer, 0, pixels * 3);
  const from = new Uint32Array(rgba.buffer, rgba.byteOffset, pixels);
  const whole = pixels - (pixels % 4);
  for (let pixel = 0, to = 0; pixel < whole; pixel += 4, to += 3) {
    const first = from[pixel] as number;
    const second = from[pixel + 1] as number;
    const third = from[pixel + 2] as number;
    const fourth = from[pixel + 3] as number;
    words[to] = (first & 0xff_ffff) | (second << 24);
    words[to + 1] = ((second >>> 8) & 0xffff) | (third << 16);
    words[to + 2] = ((third >>> 16) & 0xff) | (fourth << 8);
  }
  for (let pixel = whole; pixel < pixels; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) rgb[pixel * 3 + channel] = rgba[pixel * 4 + channel] as number;
  }
  return rgb;
}
