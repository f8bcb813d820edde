import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { beginsAsPicture, readImageHeader } from './image-header.ts';

const formats = ['png', 'jpeg', 'webp', 'gif', 'avif'] as const;

function paint(format: (typeof formats)[number], width: number, height: number, options: Record<string, unknown> = {}): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#336699' } })
    .toFormat(format, options)
    .toBuffer();
}

describe('the header of an image', () => {
  test.each(formats)('%s: names the size before anything is decoded', async (format) => {
    const picture = await paint(format, 123, 45);
    expect(readImageHeader(picture)).toEqual({ format, width: 123, height: 45 });
    expect(beginsAsPicture(picture)).toBe(true);
  });

  test('lossless and animated WebP, and a progressive JPEG with profiles in front', async () => {
    expect(readImageHeader(await paint('webp', 300, 7, { lossless: true }))).toEqual({ format: 'webp', width: 300, height: 7 });
    const picture = sharp({ create: { width: 20, height: 30, channels: 4, background: '#33669980' } });
    expect(readImageHeader(await picture.webp().toBuffer())).toMatchObject({ width: 20, height: 30 });
    const jpeg = await sharp(await paint('jpeg', 31, 17))
      .withMetadata({ orientation: 6 })
      .jpeg({ progressive: true })
      .toBuffer();
    expect(readImageHeader(jpeg)).toEqual({ format: 'jpeg', width: 31, height: 17 });
  });

  test('says nothing of what is no image, and throws at nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void readImageHeader(bytes)));
    expect(readImageHeader(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toBeUndefined();
    expect(readImageHeader(new Uint8Array([0xff, 0xd8, 0xff]))).toBeUndefined();
    for (const text of ['', 'hello', '%PDF-1.7', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'PK\u0003\u0004']) {
      expect(beginsAsPicture(new TextEncoder().encode(text))).toBe(false);
    }
  });
});
