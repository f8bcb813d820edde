import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClaimToken, claimTokenSchema, formatClaimToken, parseClaimToken } from './device-access.ts';

const token: ClaimToken = { url: 'https://fleet.example:8443', tokenId: 'abc', secret: 's'.repeat(32), rootDigest: 'ab'.repeat(32) };

describe('a claim token', () => {
  test('comes back as it was written, as one word that needs no quotes', () => {
    const any = fc.record({
      url: fc.webUrl(),
      tokenId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      secret: fc.string({ unit: 'grapheme', minLength: 16, maxLength: 30 }),
      rootDigest: fc.constant('0f'.repeat(32)),
      certificateDigest: fc.option(fc.constant('ff'.repeat(32)), { nil: undefined }),
    });
    fc.assert(
      fc.property(any, (sent) => {
        fc.pre(claimTokenSchema.safeParse(sent).success);
        const text = formatClaimToken(sent);
        expect(text).toMatch(/^starling1\.[A-Za-z0-9_-]+$/);
        expect(parseClaimToken(text)).toEqual(claimTokenSchema.parse(sent));
        expect(parseClaimToken(`  ${text}\n`)).toEqual(claimTokenSchema.parse(sent));
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['another word', 'hello'],
    ['another version', formatClaimToken(token).replace('starling1', 'starling2')],
    ['no JSON', `starling1.${btoa('hello')}`],
    ['no base64url', 'starling1.!!!!'],
    ['a short secret', formatClaimToken({ ...token, secret: 'short' })],
    ['an address that is none', formatClaimToken({ ...token, url: 'fleet' })],
    ['a digest that is none', formatClaimToken({ ...token, rootDigest: 'ab' })],
    ['half of it', formatClaimToken(token).slice(0, 60)],
  ])('with %s is none', (_what, text) => {
    expect(parseClaimToken(text)).toBeUndefined();
  });

  test('of any text is a token or nothing, never an error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseClaimToken(`starling1.${text}`)).toBeUndefined();
      }),
    );
  });
});
