import {
  type DesiredState,
  desiredStateSchema,
  encodePortValue,
  generatePrivateKey,
  publicKeyOf,
  signDocument,
  signerOf,
  type TrustRoot,
} from '@starling/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGatekeeper } from './gatekeeper.ts';
import { encodeMessage, framesOf } from './messages.ts';

const [ME, HOME, STRANGER] = ['m', 'h', 's'].map((letter) => letter.repeat(26)) as [string, string, string];
const RELEASE = 'f'.repeat(64);
const SESSION = 'a'.repeat(26);
const topic = { pipeline: 'read', part: 'cloud' };

let root: TrustRoot;
let sign: (device: string, workers: Record<string, string>, generation?: number, expiresAtMs?: number) => Promise<string>;

beforeAll(async () => {
  const key = await generatePrivateKey();
  const other = await generatePrivateKey();
  root = { fleetId: 'fleet', keys: { fleet: [publicKeyOf(key)], root: [], publisher: [publicKeyOf(other)] } } as unknown as TrustRoot;
  sign = async (device, workers, generation = 1, expiresAtMs = 2_000) =>
    signDocument(
      await signerOf(key),
      'desired-state',
      desiredStateSchema.parse({
        ...{ kind: 'desired-state', schemaVersion: 1, fleetId: 'fleet', device, epoch: 1, generation, issuedAtMs: 1, expiresAtMs },
        ...{ root: { version: 1, digest: RELEASE }, assignment: { release: RELEASE, artefacts: {}, workers } },
      }),
    );
});

function start() {
  const taken: string[] = [];
  const refused: string[] = [];
  const gatekeeper = createGatekeeper({
    device: ME,
    host: { placement: async () => undefined, stream: async (from) => void taken.push(from) },
    underNewestRoot: (use) => use(root),
    trustedNowMs: () => 1_000,
    publish: async () => true,
    refused: (reason) => refused.push(reason.split(':')[0] ?? ''),
  });
  const send = async (from: string, message: Parameters<typeof encodeMessage>[0], to = ME): Promise<void> => {
    for (const frame of framesOf(1, encodeMessage(message))) await gatekeeper.receive({ ...topic, from, to }, frame);
  };
  const open = (from: string, grant: string): Promise<void> =>
    send(from, { kind: 'open', session: SESSION, first: 0, release: RELEASE, ...topic, isBeside: false, grant });
  const item = (from: string): Promise<void> =>
    send(from, {
      ...{ kind: 'item', session: SESSION, settledBelow: 0, number: 0, stream: '', sequence: 0, timeMs: 0 },
      values: { x: encodePortValue(new Uint8Array(600_000)) },
    });
  return { gatekeeper, taken, refused, send, open, item };
}

describe('who may reach the parts of a device', () => {
  test('is a home that shows that the fleet has named this worker, from then on', async () => {
    const { taken, refused, open, item } = start();
    await item(HOME);
    await item(HOME);
    // Told once: after a restart of the worker it is what comes of all that was on its way.
    expect([taken, refused]).toEqual([[], ['not-granted']]);
    await open(HOME, await sign(HOME, { cloud: ME }));
    await item(HOME);
    expect(taken).toEqual([HOME, HOME, HOME]);
  });

  test.each<[string, string, () => Promise<string>]>([
    ['another worker is named', 'not-granted', () => sign(HOME, { cloud: STRANGER })],
    ["it is another device's", 'wrong-device', () => sign(STRANGER, { cloud: ME })],
    ['it has expired', 'expired', () => sign(HOME, { cloud: ME }, 1, 500)],
    ['nobody signed it', 'malformed-document', async () => 'x.y.z'],
  ])('is nobody whose grant is none: %s', async (_why, code, grant) => {
    const { taken, refused, open, item } = start();
    await open(HOME, await grant());
    await item(HOME);
    expect([taken, refused]).toEqual([[], [...new Set([code, 'not-granted'])]]);
  });

  test('is no home any more that shows an older state, or one that names another', async () => {
    const { refused, open, item } = start();
    await open(HOME, await sign(HOME, { cloud: ME }, 5));
    await open(HOME, await sign(HOME, { cloud: ME }, 4));
    await open(HOME, await sign(HOME, { cloud: STRANGER }, 6));
    await item(HOME);
    expect(refused).toEqual(['rollback', 'not-granted']);
  });

  test('is a worker of its own, and no other device that answers', async () => {
    const { gatekeeper, taken, refused, send } = start();
    const assignment = { release: RELEASE, artefacts: {}, workers: { cloud: HOME } };
    gatekeeper.adopted('signed', { assignment } as Pick<DesiredState, 'assignment'>);
    const ready = { kind: 'ready', session: SESSION, next: 0, hasGap: false, credits: 1 } as const;
    await send(HOME, ready);
    await send(STRANGER, ready);
    await send(HOME, ready, STRANGER);
    expect([taken, refused]).toEqual([[HOME], ['not-granted']]);
  });
});
