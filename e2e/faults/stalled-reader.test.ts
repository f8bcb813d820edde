import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import {
  api,
  cborEncode,
  createTopics,
  hexToBytes,
  PULL_WINDOW_BYTES,
  parseClaimToken,
  readManifest,
  WANT_CHUNKS_MAXIMUM,
} from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtocolDevice, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { scaled, slowness } from '../harness/scale.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

const inflate = promisify(inflateRaw);
/** Together they may ask for more than the fleet reads or keeps at once. */
const STALLED = 8;
const CHUNKS = 2_000;
/** The broker takes 200 messages a second from a device, and 2,000 at once: one for each chunk is more than any agent sends. */
const PACE_MS = 6;
/** Less than the 10 s after which the broker cuts a client that takes nothing. */
const STALLED_MS = 6_000;

interface Member {
  device: ProtocolDevice;
  session: Session;
}

describe('devices that stop reading in the middle of a pull', () => {
  let fleet: RunningFleet;
  /** Of the largest artefact of the release. */
  let chunks: Uint8Array[];
  const topics = createTopics();

  beforeAll(async () => {
    fleet = await startRunningFleet();
    const release = await publishMapRelease(fleet, mapModel(1, { width: 768, layers: 4 }), 0);
    const readers = await Promise.all(Array.from({ length: STALLED + 1 }, () => join(release.digest)));
    members.push(...readers);
    const model = await fleet.client.call(api.showModel, { params: { digest: release.document.models[0]?.digest ?? '' } });
    const chosen = (await fleet.device(reader().device.id)).desired?.choices.map?.artefact;
    const artefact = model.artefacts.find(({ digest }) => digest === chosen)?.document;
    const manifest = await readManifest(artefact?.blob.manifest ?? '', (digest) => pullOne(reader(), hexToBytes(digest)));
    chunks = manifest.chunks.filter(({ sizeBytes }) => sizeBytes > 4_096).map(({ digest }) => hexToBytes(digest));
  });
  afterAll(async () => {
    for (const { session } of members) await session.end().catch(() => undefined);
    await fleet?.stop();
  });

  const members: Member[] = [];
  const reader = (): Member => members[0] as Member;
  const join = async (release: string): Promise<Member> => {
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'reader', uses: 1, release } });
    const token = parseClaimToken(text);
    if (token === undefined) throw new Error('the fleet made a claim token that is none');
    const device = await createProtocolDevice(fleet.baseUrl);
    await device.enrol(token);
    return { device, session: await startSession(fleet.process.ready.addresses.mqtt, device) };
  };
  let received = 0;
  const want = ({ device, session }: Member, digests: readonly Uint8Array[]): Promise<unknown> => {
    const message = { want: 1, chunks: digests, receivedChunks: received, creditBytes: PULL_WINDOW_BYTES, cancel: false };
    return session.client.publishAsync(topics.build('blobWant', { device: device.id }), Buffer.from(cborEncode(message)), { qos: 1 });
  };
  const pullOne = async (member: Member, digest: Uint8Array): Promise<Uint8Array> => {
    const from = member.session.messages.length;
    const answer = member.session.received(topics.build('blobChunk', { device: member.device.id }), 20_000, from);
    await want(member, [digest]);
    const { payload } = await answer;
    received += 1;
    // Header of 44 bytes; bit 0 of byte 1 says that the rest is compressed.
    return payload[1] === 1 ? inflate(payload.subarray(44)) : payload.subarray(44);
  };
  /** @param forMs for so long at most: stalled clients are cut in the end */
  const p99OfPull = async (count: number, forMs = Number.POSITIVE_INFINITY): Promise<number> => {
    const timesMs: number[] = [];
    const endMs = performance.now() + forMs;
    for (let index = 0; index < count && performance.now() < endMs; index += 1) {
      const startedMs = performance.now();
      await pullOne(reader(), chunks[index % chunks.length] as Uint8Array);
      timesMs.push(performance.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
      reader().session.messages.length = 0;
    }
    timesMs.sort((a, b) => a - b);
    return timesMs[Math.floor(0.99 * timesMs.length)] ?? 0;
  };

  test('do not hold up the others', async () => {
    const count = scaled(CHUNKS);
    const before = await p99OfPull(count);
    const stalled = members.slice(1);
    const own = received;
    received = 0;
    for (const member of stalled) {
      // As much as one may ask for, and not a byte is read from here on.
      member.session.client.stream.unpipe();
      member.session.client.stream.pause();
      const many = Array.from({ length: WANT_CHUNKS_MAXIMUM }, (_, index) => chunks[index % chunks.length] as Uint8Array);
      void want(member, many).catch(() => undefined);
      void want(member, many).catch(() => undefined);
    }
    received = own;
    await new Promise((resolve) => setTimeout(resolve, 500));
    const during = await p99OfPull(count, STALLED_MS);
    expect(stalled.every(({ session }) => session.isOpen())).toBe(true);
    const got = stalled.map(
      ({ device, session }) => session.messages.filter(({ topic }) => topic === topics.build('blobChunk', { device: device.id })).length,
    );
    expect(Math.max(...got)).toBeLessThan(WANT_CHUNKS_MAXIMUM);
    // A hold-up lasts seconds: the time after which a client that takes nothing is cut.
    expect(during).toBeLessThan(Math.max(3 * before, 1_000) * slowness());
  });
});
