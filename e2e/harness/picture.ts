import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import opentype from 'opentype.js';
import sharp from 'sharp';

const require = createRequire(import.meta.url);

/** A sign with one line of text, dark on light, as PNG. The letters come from a package, so every machine draws the same. */
export async function paintSign(text: string, { width = 640, height = 240 } = {}): Promise<Buffer> {
  const bytes = readFileSync(require.resolve('@fontsource/overpass/files/overpass-latin-700-normal.woff'));
  const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
  const size = height / 3;
  const path = font.getPath(text, 0, 0, size).toPathData(2);
  const left = (width - font.getAdvanceWidth(text, size)) / 2;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#f4f4ee"/>
    <path transform="translate(${left} ${height * 0.62})" d="${path}" fill="#16181d"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** A picture of one colour. */
export function paintPlain(red: number, green: number, blue: number, side = 32): Promise<Buffer> {
  return sharp({ create: { width: side, height: side, channels: 3, background: { r: red, g: green, b: blue } } })
    .png()
    .toBuffer();
}

/** White squares in a row on black. */
export function paintSpots(count: number): Promise<Buffer> {
  const spots = Array.from({ length: count }, (_, place) => `<rect x="${8 + place * 32}" y="20" width="20" height="20" fill="#fff"/>`);
  const width = 8 + count * 32;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="64"><rect width="100%" height="100%"/>${spots.join('')}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
