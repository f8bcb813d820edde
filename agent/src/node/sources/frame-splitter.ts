const JPEG_START = Buffer.from([0xff, 0xd8, 0xff]);
const JPEG_END = Buffer.from([0xff, 0xd9]);
export const FRAME_BYTES_MAXIMUM = 16 * 1024 * 1024;

/**
 * Cuts a stream of JPEGs into files.
 * @returns a function that takes the next piece of the stream; false where it holds no frame that ends, and the stream is to be given up
 */
export function createFrameSplitter(onFrame: (frame: Buffer) => void): (piece: Buffer) => boolean {
  let pending = Buffer.alloc(0);
  return (piece) => {
    pending = Buffer.concat([pending, piece]);
    for (;;) {
      const start = pending.indexOf(JPEG_START);
      const end = start === -1 ? -1 : pending.indexOf(JPEG_END, start + JPEG_START.length);
      if (end === -1) break;
      onFrame(Buffer.from(pending.subarray(start, end + JPEG_END.length)));
      pending = pending.subarray(end + JPEG_END.length);
    }
    return pending.length <= FRAME_BYTES_MAXIMUM;
  };
}
