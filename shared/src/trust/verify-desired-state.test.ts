import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { compareGenerations, type DesiredState, desiredStateSchema } from '../documents/desired-state.ts';
import type { TrustRoot } from '../documents/trust-root.ts';
import { DESIRED_STATE_BYTES_MAXIMUM } from '../limits.ts';
import { generatePrivateKey, type PrivateKey, publicKeyOf, signDocument, signerOf } from './sign.ts';
import { type DesiredStateContext, verifyDesiredState } from './verify-desired-state.ts';

const device = 'a'.repeat(26);
const digest = 'ab'.repeat(32);
let fleetKey: PrivateKey;
let publisherKey: PrivateKey;
let root: TrustRoot;
beforeAll(async () => {
  [fleetKey, publisherKey] = await Promise.all([generatePrivateKey(), generatePrivateKey()]);
  const [publisher, fleet] = [[publicKeyOf(publisherKey)], [publicKeyOf(fleetKey)]];
  const dates = { issuedAtMs: 0, expiresAtMs: 1_000_000 };
  root = {
    kind: 'root',
    schemaVersion: 1,
    critical: [],
    fleetId: 'home',
    version: 1,
    demo: false,
    ...dates,
    keys: { root: publisher, publisher, fleet },
  };
});

const state = (change: Partial<DesiredState> = {}): DesiredState =>
  desiredStateSchema.parse({
    ...{ kind: 'desired-state', schemaVersion: 1, fleetId: 'home', device, epoch: 1, generation: 5, issuedAtMs: 100, expiresAtMs: 200 },
    ...{ root: { version: 1, digest }, assignment: { release: digest, artefacts: { ocr: digest } } },
    ...change,
  });
const sign = async (document: unknown, by = fleetKey): Promise<string> => signDocument(await signerOf(by), 'desired-state', document);
const signEpoch = async (epoch: number, by = publisherKey, fleetId = 'home'): Promise<string> =>
  signDocument(await signerOf(by), 'epoch', { kind: 'epoch', schemaVersion: 1, critical: [], fleetId, epoch, issuedAtMs: 1 });
const context = (change: Partial<DesiredStateContext> = {}): DesiredStateContext => ({
  root,
  device,
  newest: null,
  trustedNowMs: 150,
  ...change,
});
const codeOf = async (document: unknown, change: Partial<DesiredStateContext> = {}, by = fleetKey): Promise<string> =>
  verifyDesiredState(await sign(document, by), context(change)).then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  );

describe('a desired state', () => {
  test('comes back as it was signed', async () => {
    expect(await verifyDesiredState(await sign(state()), context())).toEqual(state());
  });

  test('is accepted again: it is sent on every connect', async () => {
    expect(await codeOf(state(), { newest: { epoch: 1, generation: 5 } })).toBe('accepted');
  });

  test('is accepted exactly if it is not older than the newest one', async () => {
    const order = fc.record({ epoch: fc.nat(3), generation: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(order, order, async (sent, newest) => {
        const isOlder = sent.epoch < newest.epoch || (sent.epoch === newest.epoch && sent.generation < newest.generation);
        const epochProof = sent.epoch < 2 ? undefined : await signEpoch(sent.epoch);
        expect(await codeOf(state({ ...sent, epochProof }), { newest })).toBe(isOlder ? 'rollback' : 'accepted');
      }),
      { numRuns: 60 },
    );
  });

  test.each<[string, Partial<DesiredState>, Partial<DesiredStateContext>, string]>([
    ['another device', { device: 'b'.repeat(26) }, {}, 'wrong-device'],
    ['another fleet', { fleetId: 'other' }, {}, 'wrong-fleet'],
    ['yesterday', {}, { trustedNowMs: 201 }, 'expired'],
    ['the last millisecond', {}, { trustedNowMs: 200 }, 'accepted'],
    ['a time that nobody knows', {}, { trustedNowMs: undefined }, 'accepted'],
    ['a version to come', { critical: ['canary'] }, {}, 'unknown-critical'],
  ])('of %s, %o, with %o: %s', async (_what, change, known, code) => {
    expect(await codeOf(state(change), known)).toBe(code);
  });

  test('of a new epoch is accepted if a publisher or root key says so, and nobody else', async () => {
    const newest = { epoch: 2, generation: 9 };
    const after = async (epochProof: string | undefined) => codeOf(state({ epoch: 3, generation: 1, epochProof }), { newest });
    expect(await after(await signEpoch(3))).toBe('accepted');
    expect(await after(undefined)).toBe('wrong-epoch');
    expect(await after(await signEpoch(4))).toBe('wrong-epoch');
    expect(await after(await signEpoch(3, fleetKey))).toBe('unknown-key');
    expect(await after(await signEpoch(3, publisherKey, 'other'))).toBe('wrong-fleet');
    // One that the device has seen needs no proof, and a device that has seen nothing needs one.
    expect(await codeOf(state({ epoch: 2, generation: 9 }), { newest })).toBe('accepted');
    expect(await codeOf(state({ epoch: 2 }))).toBe('wrong-epoch');
  });

  test('by the publisher is refused: each key has one role', async () => {
    expect(await codeOf(state(), {}, publisherKey)).toBe('unknown-key');
  });

  test('is refused unread when it is too large', async () => {
    const artefacts = Object.fromEntries(Array.from({ length: 200 }, (_, model) => [`model-${model}`, digest]));
    expect((await sign(state({ assignment: { release: digest, artefacts } }))).length).toBeGreaterThan(DESIRED_STATE_BYTES_MAXIMUM);
    expect(await codeOf(state({ assignment: { release: digest, artefacts } }))).toBe('too-large');
  });
});

test('generations are in one order, whichever way they are compared', () => {
  const order = fc.record({ epoch: fc.nat(), generation: fc.nat() });
  fc.assert(
    fc.property(order, order, order, (a, b, c) => {
      expect(Math.sign(compareGenerations(a, b)) + Math.sign(compareGenerations(b, a))).toBe(0);
      if (compareGenerations(a, b) <= 0 && compareGenerations(b, c) <= 0) expect(compareGenerations(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});
