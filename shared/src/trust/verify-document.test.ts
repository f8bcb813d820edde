import { createPrivateKey, createPublicKey, sign as nodeSign, verify as nodeVerify } from 'node:crypto';
import fc from 'fast-check';
import { CompactSign, importJWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { generatePrivateKey, keyIdOf, type PrivateKey, publicKeyOf, type SignedKind, signDocument, signerOf, typOf } from './sign.ts';
import { verifyDocument } from './verify-document.ts';

const schema = z.object({ critical: z.array(z.string()).default([]), text: z.string() });
const maximumBytes = 4096;
const base64url = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url');

let key: PrivateKey;
let stranger: PrivateKey;
beforeAll(async () => {
  [key, stranger] = await Promise.all([generatePrivateKey(), generatePrivateKey()]);
});

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  );
const check = (jws: string, change: { kind?: SignedKind; keys?: PrivateKey[]; maximumBytes?: number } = {}) =>
  verifyDocument(jws, {
    kind: change.kind ?? 'command',
    keys: (change.keys ?? [key]).map(publicKeyOf),
    schema,
    maximumBytes: change.maximumBytes ?? maximumBytes,
  });
const signed = async (document: unknown = { text: 'hello' }, by = key): Promise<string> =>
  signDocument(await signerOf(by), 'command', document);
/** A JWS with any header, by a real signature. */
const forged = async (header: Record<string, unknown>, payload: string | Uint8Array, by: PrivateKey = key): Promise<string> =>
  new CompactSign(typeof payload === 'string' ? new TextEncoder().encode(payload) : payload)
    .setProtectedHeader({ alg: 'EdDSA', ...header })
    .sign(await importJWK(by, 'EdDSA'));

describe('a signed document', () => {
  test('comes back as it was signed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 50 }), async (text) => {
        expect(await check(await signed({ text }))).toEqual({ critical: [], text });
      }),
      { numRuns: 50 },
    );
  });

  test('is a JWS that other code reads and writes: Ed25519 over header and payload', async () => {
    const header = base64url(JSON.stringify({ alg: 'EdDSA', typ: 'starling-command+jws', kid: key.kid }));
    const input = `${header}.${base64url('{"text":"hello"}')}`;
    const signature = nodeSign(null, Buffer.from(input), createPrivateKey({ key, format: 'jwk' }));
    expect(await signed()).toBe(`${input}.${base64url(signature)}`);
    const [head, payload, mark = ''] = (await signed()).split('.');
    const publicKey = createPublicKey({ key: publicKeyOf(key), format: 'jwk' });
    expect(nodeVerify(null, Buffer.from(`${head}.${payload}`), publicKey, Buffer.from(mark, 'base64url'))).toBe(true);
  });

  test('is refused with a bit flipped anywhere', async () => {
    const jws = await signed({ text: 'turn on' });
    const bytes = Buffer.from(jws);
    const accepted: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const code = await codeOf(check(damaged.toString('latin1')));
      if (code === 'accepted') accepted.push(bit);
      expect(['bad-signature', 'malformed-document', 'unknown-key', 'wrong-kind', 'accepted']).toContain(code);
    }
    expect(accepted).toEqual([]);
  });

  test('is refused when cut, doubled or led by something', async () => {
    const jws = await signed();
    for (const text of [
      jws.slice(0, -1),
      jws.slice(1),
      `${jws}.`,
      `${jws}=`,
      ` ${jws}`,
      `${jws}\n`,
      jws + jws,
      '',
      '.',
      '..',
      'a.b.c',
      '{}',
    ]) {
      expect(await codeOf(check(text)), JSON.stringify(text)).not.toBe('accepted');
    }
  });

  test('of any text gives a code of trust, never another error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `${base64url(text)}.${base64url(text)}.${base64url(text)}`),
        ),
        async (text) => {
          expect(['malformed-document', 'wrong-kind', 'unknown-key', 'bad-signature']).toContain(await codeOf(check(text)));
        },
      ),
    );
  });
});

describe('the checks, by attack', () => {
  test('a key that may not sign this', async () => {
    expect(await codeOf(check(await signed({ text: 'x' }, stranger)))).toBe('unknown-key');
    expect(await codeOf(check(await signed(), { keys: [] }))).toBe('unknown-key');
  });

  test("a stranger's signature under the id of a good key", async () => {
    const jws = await forged({ typ: typOf('command'), kid: key.kid }, '{"text":"x"}', stranger);
    expect(await codeOf(check(jws))).toBe('bad-signature');
  });

  test('one kind of document passed off as another', async () => {
    expect(await codeOf(check(await signed(), { kind: 'desired-state' }))).toBe('wrong-kind');
    expect(await codeOf(check(await forged({ kid: key.kid }, '{"text":"x"}')))).toBe('wrong-kind');
  });

  test('another algorithm, or none', async () => {
    const payload = base64url('{"text":"x"}');
    const head = (alg: string): string => base64url(JSON.stringify({ alg, typ: typOf('command'), kid: key.kid }));
    const secret = Buffer.from(key.x, 'base64url');
    const { createHmac } = await import('node:crypto');
    const hmac = createHmac('sha256', secret)
      .update(`${head('HS256')}.${payload}`)
      .digest('base64url');
    expect(await codeOf(check(`${head('HS256')}.${payload}.${hmac}`))).toBe('bad-signature');
    expect(await codeOf(check(`${head('none')}.${payload}.`))).not.toBe('accepted');
    expect(await codeOf(check(`${head('none')}.${payload}.${'A'.repeat(86)}`))).toBe('bad-signature');
  });

  test('a key that the document brings along', async () => {
    const jws = await forged({ typ: typOf('command'), kid: stranger.kid, jwk: publicKeyOf(stranger) }, '{"text":"x"}', stranger);
    expect(await codeOf(check(jws))).toBe('unknown-key');
  });

  test('another text of the same bytes: the filler of base64url is in use', async () => {
    const jws = await signed();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(jws.slice(-1));
    // 64 bytes of signature leave four bits of the last character free.
    const twin = jws.slice(0, -1) + alphabet[last ^ 1];
    expect(Buffer.from(twin.split('.')[2] ?? '', 'base64url')).toEqual(Buffer.from(jws.split('.')[2] ?? '', 'base64url'));
    expect(await codeOf(check(twin))).toBe('malformed-document');
  });

  test('endless data, before anything is decoded', async () => {
    const jws = await signed();
    expect(await codeOf(check(jws, { maximumBytes: jws.length }))).toBe('accepted');
    expect(await codeOf(check(jws, { maximumBytes: jws.length - 1 }))).toBe('too-large');
  });

  test.each([
    ['no JSON', 'hello'],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['another shape', '{"text":5}'],
    ['nothing', '{}'],
  ])('a good signature over %s', async (_what, payload) => {
    expect(await codeOf(check(await forged({ typ: typOf('command'), kid: key.kid }, payload)))).toBe('malformed-document');
  });

  test('a critical part that is not understood', async () => {
    expect(await codeOf(check(await signed({ text: 'x', critical: [] })))).toBe('accepted');
    expect(await codeOf(check(await signed({ text: 'x', critical: ['geofence'] })))).toBe('unknown-critical');
  });
});

test('the id of a key is its thumbprint (RFC 8037, appendix A.3)', async () => {
  expect(await keyIdOf({ x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
});

test('the public half of a key holds no private part', () => {
  expect(publicKeyOf(key)).toEqual({ kty: 'OKP', crv: 'Ed25519', x: key.x, kid: key.kid });
});
