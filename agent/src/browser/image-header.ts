import type { ImageHeader } from '../core/ports/image-codec.ts';

/**
 * Reads format and size from the first bytes of an image, before a decoder sees it: no browser tells the size of a picture without
 * decoding it.
 * @returns undefined for what no browser decodes
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const read of [readPng, readJpeg, readWebp, readGif, readBmp, readAvif]) {
    try {
      const header = read(view);
      if (header !== undefined) return header;
    } catch {
      // It ended before its size: no decoder could do more with it.
      return undefined;
    }
  }
  return undefined;
}

/** How files of the formats above begin: what a name or a browser says of a file is no more than a guess. */
const beginnings: readonly (readonly [at: number, bytes: string])[] = [
  [0, '\x89PNG\r\n\x1a\n'],
  [0, '\xff\xd8\xff'],
  [8, 'WEBP'],
  [0, 'GIF8'],
  [0, 'BM'],
  [4, 'ftypavif'],
  [4, 'ftypavis'],
];
/** So many bytes of a file tell. */
export const BEGINNING_BYTES = 16;

/** Whether a file begins as a picture does; it may be damaged further on. */
export function beginsAsPicture(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, BEGINNING_BYTES));
  return beginnings.some(([at, beginning]) => text.startsWith(beginning, at));
}

function textAt(view: DataView, at: number, length: number): string {
  let text = '';
  for (let index = at; index < at + length; index += 1) text += String.fromCharCode(view.getUint8(index));
  return text;
}

/** PNG (W3C), 5.2 and 11.2.2: eight bytes of signature, then IHDR. */
function readPng(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 8 || view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a) return undefined;
  return { format: 'png', width: view.getUint32(16), height: view.getUint32(20) };
}

/** Frame headers of JPEG (ITU T.81, B.2.2): SOF0 to SOF15 but DHT, JPG and DAC. */
const NO_FRAME = new Set([0xc4, 0xc8, 0xcc]);

function readJpeg(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 3 || view.getUint16(0) !== 0xffd8 || view.getUint8(2) !== 0xff) return undefined;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      // A byte of filling.
      at += 1;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.has(marker)) {
      return { format: 'jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    }
    at += 2 + view.getUint16(at + 2);
  }
}

/** WebP (RFC 9649): a RIFF file whose first chunk is VP8, VP8L or VP8X. */
function readWebp(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 16 || textAt(view, 0, 4) !== 'RIFF' || textAt(view, 8, 4) !== 'WEBP') return undefined;
  const kind = textAt(view, 12, 4);
  if (kind === 'VP8X') return { format: 'webp', width: 1 + little24(view, 24), height: 1 + little24(view, 27) };
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true);
    return { format: 'webp', width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  return { format: 'webp', width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

function little24(view: DataView, at: number): number {
  return view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
}

function readGif(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 6 || !/^GIF8[79]a$/.test(textAt(view, 0, 6))) return undefined;
  return { format: 'gif', width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** A bitmap whose height is below zero starts with its top line. */
function readBmp(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 2 || textAt(view, 0, 2) !== 'BM') return undefined;
  return { format: 'bmp', width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/** Boxes that hold the sizes of an AVIF's pictures (ISO/IEC 23008-12, 6.5.3). */
const AVIF_BOXES = new Set(['meta', 'iprp', 'ipco']);

function readAvif(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 12 || textAt(view, 4, 4) !== 'ftyp' || !/^avi[fs]$/.test(textAt(view, 8, 4))) return undefined;
  let [width, height] = [0, 0];
  const walk = (from: number, to: number): void => {
    for (let at = from; at + 8 <= to; ) {
      const size = view.getUint32(at);
      const kind = textAt(view, at + 4, 4);
      if (size < 8) return;
      // `meta` and `ispe` carry four bytes of version and flags before what they hold.
      if (AVIF_BOXES.has(kind)) walk(at + (kind === 'meta' ? 12 : 8), Math.min(to, at + size));
      if (kind === 'ispe') {
        width = Math.max(width, view.getUint32(at + 12));
        height = Math.max(height, view.getUint32(at + 16));
      }
      at += size;
    }
  };
  walk(view.getUint32(0), view.byteLength);
  return { format: 'avif', width, height };
}
