import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { bytesToHex, cborDecode, encodeChunkFrame, type Want, wantSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { noFigures } from './messages.ts';
import { createPuller } from './puller.ts';

const chunksOf = (count: number): Map<string, Buffer> =>
  new Map(
    Array.from({ length: count }, (_, index) => {
      const bytes = Buffer.alloc(1000, `chunk ${index} `);
      return [createHash('sha256').update(bytes).digest('hex'), bytes] as const;
    }),
  );
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function open() {
  const wants: Want[] = [];
  const figures = noFigures();
  let silence: (() => void) | undefined;
  const puller = createPuller({
    publish: (want) => void wants.push(cborDecode(want, wantSchema)),
    after: (_ms, act) => {
      silence = act;
    },
    stop: () => {
      silence = undefined;
    },
    figures,
  });
  puller.online();
  const asked = (): string[] => wants.flatMap(({ chunks }) => chunks.map(bytesToHex));
  return { puller, wants, figures, asked, beSilent: () => silence?.() };
}

const frameOf = (digest: string, bytes: Buffer, compressed = true): Uint8Array =>
  encodeChunkFrame({
    ...{ kind: 'chunk', want: 1, digest, sizeBytes: bytes.length, compressed },
    payload: compressed ? deflateRawSync(bytes) : bytes,
  });
const never = new AbortController().signal;

test('chunks are asked for, verified and counted, and what came is confirmed', async () => {
  const { puller, wants, figures, asked } = open();
  const chunks = chunksOf(100);
  const pulls = Promise.all([...chunks.keys()].map((digest) => puller.chunk(digest, never)));
  await turn();
  for (let sent = 0; sent < chunks.size; sent += 1) {
    const digest = asked()[sent] ?? expect.unreachable();
    puller.receive(frameOf(digest, chunks.get(digest) ?? expect.unreachable(), sent % 2 === 0));
    await turn();
  }
  expect((await pulls).map((bytes) => bytes.length)).toEqual(Array.from({ length: 100 }, () => 1000));
  expect(new Set(asked()).size).toBe(100);
  expect(figures).toMatchObject({ pulledChunks: 100, refusedChunks: 0 });
  expect(wants.map(({ want }) => want)).toEqual(wants.map((_, index) => index + 1));
});

test('bytes that are not those of their digest are refused and asked for again, and given up in the end', async () => {
  const { puller, figures, asked } = open();
  const [[digest = '', bytes = Buffer.alloc(0)] = []] = [...chunksOf(1)];
  const first = puller.chunk(digest, never);
  await turn();
  puller.receive(frameOf(digest, Buffer.alloc(1000, 'x')));
  await turn();
  expect(asked()).toEqual([digest, digest]);
  puller.receive(frameOf(digest, bytes));
  expect(Buffer.from(await first)).toEqual(bytes);
  expect(figures).toMatchObject({ pulledChunks: 1, refusedChunks: 1 });
  const second = puller.chunk(digest, never);
  const refused = expect(second).rejects.toMatchObject({ code: 'chunk-damaged' });
  for (let copy = 0; copy < 3; copy += 1) {
    await turn();
    puller.receive(frameOf(digest, Buffer.alloc(1000, 'x')));
  }
  await refused;
});

test('a chunk that the fleet does not give ends the pull; one that is given up is forgotten', async () => {
  const { puller } = open();
  const [one = '', other = ''] = chunksOf(2).keys();
  const missing = puller.chunk(one, never);
  const leaving = new AbortController();
  const left = puller.chunk(other, leaving.signal);
  await turn();
  const told = expect(missing).rejects.toMatchObject({ code: 'chunk-missing' });
  puller.receive(encodeChunkFrame({ kind: 'missing', want: 1, digest: one }));
  await told;
  const ended = expect(left).rejects.toMatchObject({ code: 'cancelled' });
  leaving.abort();
  await ended;
});

test('what was under way when the connection ended, or has not come for long, is asked for again from the start', async () => {
  const { puller, wants, beSilent } = open();
  const [digest = ''] = chunksOf(1).keys();
  void puller.chunk(digest, never);
  await turn();
  puller.offline();
  puller.online();
  expect(wants.at(-1)).toMatchObject({ cancel: true, receivedChunks: 0 });
  expect(wants.at(-1)?.chunks.map(bytesToHex)).toEqual([digest]);
  beSilent();
  expect(wants).toHaveLength(3);
  expect(wants.at(-1)).toMatchObject({ cancel: true });
});
