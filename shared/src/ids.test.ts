import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  base32Encode,
  deviceIdOf,
  deviceIdSchema,
  makeRandomId,
  nameSchema,
  randomIdSchema,
  topicSegmentSchema,
  versionSchema,
  wallMsSchema,
} from './ids.ts';

describe('base32', () => {
  // RFC 4648, section 10, in lower case and without padding.
  test.each([
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ])('writes %j as the standard does', (text, encoded) => {
    expect(base32Encode(new TextEncoder().encode(text))).toBe(encoded);
  });

  test('gives different bytes different texts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ minLength: 16, maxLength: 16 }), (a, b) => {
        expect(base32Encode(a) === base32Encode(b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });
});

describe('a device id', () => {
  test('is that of the key, and a legal topic segment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (publicKey) => {
        const id = await deviceIdOf(publicKey);
        expect(id).toBe(base32Encode(createHash('sha256').update(publicKey).digest().subarray(0, 16)));
        expect(deviceIdSchema.safeParse(id).success && topicSegmentSchema.safeParse(id).success).toBe(true);
      }),
    );
  });

  test('of a known key does not change', async () => {
    // The public key of RFC 8037, appendix A.
    const publicKey = Buffer.from('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'base64url');
    expect(await deviceIdOf(publicKey)).toBe('eh7ddx5bksrgcytl7bkai36se4');
  });
});

describe('identifiers', () => {
  test('are made of 128 random bits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(randomIdSchema.safeParse(makeRandomId(() => bytes)).success).toBe(true);
      }),
    );
  });

  const hostile = ['', '#', '+', '$sys', 'a/b', '../x', 'A', 'a b', 'ä', 'a\0', 'a\n', '.', 'x'.repeat(65), '%2f', 'a.b'];
  test.each(hostile)('never are %j', (text) => {
    for (const schema of [deviceIdSchema, topicSegmentSchema, nameSchema, randomIdSchema])
      expect(schema.safeParse(text).success).toBe(false);
  });

  test('of any text that they accept are safe in a topic, a path and an address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9_.-]{1,70}$/)), (text) => {
        if (!topicSegmentSchema.safeParse(text).success) return;
        expect(encodeURIComponent(text)).toBe(text);
        expect(text).not.toMatch(/[/+#$.\\\s]/);
      }),
    );
  });
});

describe('a version', () => {
  test.each(['1.0.0', '0.0.1', '10.20.30', '2.0.0-rc.1'])('may be %s', (text) => {
    expect(versionSchema.safeParse(text).success).toBe(true);
  });
  test.each(['1', '1.0', 'v1.0.0', '1.0.0+build', '1.0.0-', '1.0.0 ', '1.0.0\n', '-1.0.0'])('may not be %j', (text) => {
    expect(versionSchema.safeParse(text).success).toBe(false);
  });
});

test.each([-1, 0.5, Number.NaN, 8_640_000_000_000_001, Number.MAX_SAFE_INTEGER])('a wall time is not %s', (value) => {
  expect(wallMsSchema.safeParse(value).success).toBe(false);
});

test('every wall time can be printed', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      if (wallMsSchema.safeParse(value).success) expect(() => new Date(value).toISOString()).not.toThrow();
    }),
  );
});
