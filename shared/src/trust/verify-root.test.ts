import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../digest.ts';
import type { TrustRoot } from '../documents/trust-root.ts';
import { ROOT_BYTES_MAXIMUM } from '../limits.ts';
import { generatePrivateKey, type PrivateKey, publicKeyOf, signRoot } from './sign.ts';
import { requireFresh, rootDigest, verifyNextRoot, verifyPinnedRoot } from './verify-root.ts';

let keys: PrivateKey[];
beforeAll(async () => {
  keys = await Promise.all(Array.from({ length: 5 }, generatePrivateKey));
});
const key = (index: number): PrivateKey => keys[index] ?? expect.unreachable();

function root(version: number, rootKeys: number[], change: Partial<TrustRoot> = {}): TrustRoot {
  const fleet = [publicKeyOf(key(4))];
  const named = { root: rootKeys.map((index) => publicKeyOf(key(index))), publisher: fleet, fleet };
  return {
    kind: 'root',
    schemaVersion: 1,
    critical: [],
    fleetId: 'home',
    version,
    issuedAtMs: 1,
    expiresAtMs: 1000,
    demo: false,
    keys: named,
    ...change,
  };
}
const sign = (document: TrustRoot, by: number[]): Promise<string> => signRoot(by.map(key), document);
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  );
const pinned = async (signed: string): Promise<string> => codeOf(verifyPinnedRoot(signed, await rootDigest(signed)));

describe('the first root', () => {
  test('is accepted if it is what the claim token pins', async () => {
    const signed = await sign(root(1, [0]), [0]);
    expect(await verifyPinnedRoot(signed, await sha256Hex(new TextEncoder().encode(signed)))).toEqual(root(1, [0]));
  });

  test('is refused if it is another one, to the last bit', async () => {
    const signed = await sign(root(1, [0]), [0]);
    const digest = await rootDigest(signed);
    expect(await codeOf(verifyPinnedRoot(`${signed} `, digest))).toBe('digest-mismatch');
    expect(
      await codeOf(
        verifyPinnedRoot(
          signed,
          digest.replace(/^./, (first) => (first === '0' ? '1' : '0')),
        ),
      ),
    ).toBe('digest-mismatch');
  });

  test('is refused if its own keys did not sign it', async () => {
    expect(await pinned(await sign(root(1, [0]), [1]))).toBe('bad-signature');
  });

  test('may be signed by more keys than it needs', async () => {
    expect(await pinned(await sign(root(1, [0]), [1, 0]))).toBe('accepted');
  });

  test('is refused where it needs what is not understood', async () => {
    expect(await pinned(await sign(root(1, [0], { critical: ['quorum'] }), [0]))).toBe('unknown-critical');
  });

  test.each([
    '',
    'hello',
    '{}',
    '[]',
    '{"payload":"","signatures":[]}',
    '{"payload":"!","signatures":[{"protected":"!","signature":"!"}]}',
    '{"payload":"e30","signatures":[{"protected":"AA","signature":"AA"}]}',
  ])('is malformed as %j', async (text) => {
    expect(await pinned(text)).toBe('malformed-document');
  });

  test('with a header that is none is refused by a code', async () => {
    const jws = JSON.parse(await sign(root(1, [0]), [0])) as { signatures: { protected: string }[] };
    (jws.signatures[0] as { protected: string }).protected = 'AAAA';
    expect(await pinned(JSON.stringify(jws))).toBe('malformed-document');
  });

  test('is refused unread when it is too large', async () => {
    expect(await pinned(`${await sign(root(1, [0]), [0])}${' '.repeat(ROOT_BYTES_MAXIMUM)}`)).toBe('too-large');
  });
});

describe('the next root', () => {
  const current = (): TrustRoot => root(1, [0]);

  test('is accepted, signed by a root key of both', async () => {
    expect(await verifyNextRoot(await sign(root(2, [1]), [0, 1]), current())).toEqual(root(2, [1]));
  });

  test('leads on, one by one, to keys that the first never knew', async () => {
    let at = current();
    for (const [version, by] of [
      [2, [0, 1]],
      [3, [1, 2]],
      [4, [2, 3]],
    ] as const)
      at = await verifyNextRoot(await sign(root(version, [version - 1]), [...by]), at);
    expect(at).toEqual(root(4, [3]));
  });

  test.each<[string, number[], string]>([
    ['the new key alone: a thief of the fleet made it', [1], 'bad-signature'],
    ['the old key alone: nobody proved to hold the new one', [0], 'bad-signature'],
    ['a stranger', [2, 3], 'bad-signature'],
  ])('is refused when signed by %s', async (_what, by, code) => {
    expect(await codeOf(verifyNextRoot(await sign(root(2, [1]), by), current()))).toBe(code);
  });

  test.each<[string, number, string]>([
    ['the same', 1, 'rollback'],
    ['two later', 3, 'root-gap'],
  ])('is refused when its version is %s', async (_what, version, code) => {
    expect(await codeOf(verifyNextRoot(await sign(root(version, [1]), [0, 1]), current()))).toBe(code);
  });

  test('is refused when it is older than the current one', async () => {
    expect(await codeOf(verifyNextRoot(await sign(root(1, [0]), [0]), root(5, [0])))).toBe('rollback');
  });

  test('of another fleet is refused', async () => {
    expect(await codeOf(verifyNextRoot(await sign(root(2, [1], { fleetId: 'other' }), [0, 1]), current()))).toBe('wrong-fleet');
  });

  test('is refused with a bit flipped anywhere', async () => {
    const bytes = Buffer.from(await sign(root(2, [1]), [0, 1]));
    const accepted: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit += 7) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const code = await codeOf(verifyNextRoot(damaged.toString('latin1'), current()));
      expect(code).toMatch(/^[a-z-]+$/);
      if (code === 'accepted') accepted.push(bit);
    }
    expect(accepted).toEqual([]);
  });
});

test('an expired root leads to no new decision', () => {
  expect(() => requireFresh(root(1, [0]), 1000)).not.toThrow();
  expect(() => requireFresh(root(1, [0]), 1001)).toThrowError(expect.objectContaining({ code: 'expired' }));
});
