import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, digestSchema, hexToBytes, sha256Hex } from './digest.ts';

describe('a digest', () => {
  test('is SHA-256 in lower-case hex (FIPS 180-2, appendix B.1)', async () => {
    const bytes = new TextEncoder().encode('abc');
    expect(await sha256Hex(bytes)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('of any view is that of its bytes alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(20), async (bytes, offset) => {
        const view = new Uint8Array([...Array(offset).fill(7), ...bytes, 9]).subarray(offset, offset + bytes.length);
        expect(await sha256Hex(view)).toBe(createHash('sha256').update(bytes).digest('hex'));
      }),
    );
  });

  test.each(['', 'ab', `${'a'.repeat(63)}G`, 'A'.repeat(64), 'a'.repeat(65), ` ${'a'.repeat(63)}`, `${'a'.repeat(64)}\n`])(
    'refuses %j',
    (text) => {
      expect(digestSchema.safeParse(text).success).toBe(false);
    },
  );
});

describe('hexadecimal', () => {
  test('comes back as the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(bytesToHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes);
      }),
    );
  });

  test.each(['a', 'zz', '0x', '1 ', '-1'])('refuses %j', (text) => {
    expect(() => hexToBytes(text)).toThrowError(expect.objectContaining({ code: 'invalid-hex' }));
  });
});
