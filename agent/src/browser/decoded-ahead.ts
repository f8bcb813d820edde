import type { RawImage } from '../core/ports/image-codec.ts';

/** Pixels of encoded images that were decoded before their turn, each taken once. They live as long as the bytes that they are of. */
export interface DecodedAhead {
  add(bytes: Uint8Array, pixels: RawImage): void;
  take(bytes: Uint8Array): RawImage | undefined;
}

/**
 * A page shows the picture that is read, so it is decoded for both at once, and while the model runs on the one before: the worker that
 * runs models finds the pixels there. What comes without them it decodes itself.
 */
export function createDecodedAhead(): DecodedAhead {
  const decoded = new WeakMap<Uint8Array, RawImage>();
  return {
    add: (bytes, pixels) => void decoded.set(bytes, pixels),
    take(bytes) {
      const pixels = decoded.get(bytes);
      decoded.delete(bytes);
      return pixels;
    },
  };
}
