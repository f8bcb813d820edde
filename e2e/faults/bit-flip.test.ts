import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artefact,
  api,
  createTopics,
  decodeChunkFrame,
  type MessageName,
  type ModelVersion,
  type Release,
  type ReleaseView,
  type ReportedState,
} from '@starling/shared';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { scaled, testSeed } from '../harness/scale.ts';
import { findBoxes, mapModel, publishMapRelease } from '../harness/small-models.ts';
import type { Tapped } from '../harness/tap.ts';

const DESIRED_FLIPS = 500;

describe('what does not arrive as it was signed', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let id: string;
  const releases: ReleaseView[] = [];
  const topics = createTopics();
  const random = xoroshiro128plus(testSeed());
  const integer = (from: number, to: number): number => uniformInt(random, from, to);
  const flip = (bytes: Uint8Array, at = integer(0, bytes.length - 1)): void => {
    bytes[at] = (bytes[at] as number) ^ (1 << integer(0, 7));
  };
  /** What happens to messages towards the device; each test sets its own. */
  let onMessage: (name: MessageName, publish: Tapped) => boolean | undefined = () => undefined;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    fleet.tap.onPublish((publish) => {
      const parsed = topics.parse(publish.topic);
      return publish.direction === 'to-fleet' || parsed === undefined ? undefined : onMessage(parsed.name, publish);
    });
    for (const revision of [0, 1]) releases.push(await publishMapRelease(fleet, mapModel(revision), revision));
    // The third has a pipeline document of its own, so that everything of it has to be pulled.
    await fleet.operator.pushPipeline({ ...findBoxes, version: '1.0.1' });
    releases.push(await publishMapRelease(fleet, mapModel(2), 2, '1.0.1'));
    agent = await fleet.startAgent('agent', { release: release(0) });
    id = agent.ready.device;
    await fleet.untilRunning(id, release(0));
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const release = (index: number): ReleaseView => releases[index] as ReleaseView;
  const status = async (): Promise<{ reported: ReportedState; pulled: { refused: number } }> => {
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/status`);
    return (await response.json()) as { reported: ReportedState; pulled: { refused: number } };
  };
  const refusals = async (): Promise<string[]> =>
    (await fleet.telemetry(id, 'events')).filter(({ payload }) => payload.code === 'refused').map(({ payload }) => String(payload.message));

  test('a flipped bit in some chunks is refused and reported; the pull gets them again and ends well', async () => {
    let frames = 0;
    let flips = 0;
    const seen = new Set<string>();
    onMessage = (name, { payload }) => {
      if (name !== 'blobChunk') return undefined;
      // One that comes twice since a busy machine had it asked for again may come when nobody waits for it.
      const { digest } = decodeChunkFrame(payload);
      if (seen.has(digest)) return undefined;
      seen.add(digest);
      frames += 1;
      if (frames % 7 === 0) {
        flips += 1;
        // Behind the header: the bytes of the chunk itself.
        flip(payload, integer(44, payload.length - 1));
      }
      return undefined;
    };
    await fleet.assign(id, release(1));
    await fleet.untilRunning(id, release(1));
    onMessage = () => undefined;
    expect(flips).toBeGreaterThan(3);
    expect((await status()).pulled.refused).toBe(flips);
    await until('each is reported', async () => (await refusals()).filter((message) => message.startsWith('chunk')).length === flips);
  });

  test('a flipped bit in every copy of a document, manifest or chunk keeps the release out; what ran before runs on', async () => {
    const { release: document, models, artefacts } = await documentsOf(fleet, release(2));
    const targets: Record<string, string> = {
      release: release(2).digest,
      pipeline: document.pipeline.digest,
      'model version': document.models[0]?.digest ?? '',
      artefact: artefacts[0]?.digest ?? '',
      'golden set': artefacts[0]?.document.golden?.digest ?? '',
      'blob manifest': artefacts[0]?.document.blob.manifest ?? '',
    };
    expect(models).toHaveLength(1);
    for (const [what, digest] of Object.entries(targets)) {
      onMessage = (name, { payload }) => {
        if (name === 'blobChunk' && decodeChunkFrame(payload).digest === digest) flip(payload, integer(44, payload.length - 1));
        return undefined;
      };
      await expectRefused(what);
    }
    onMessage = (name, { payload }) => {
      const frame = name === 'blobChunk' ? decodeChunkFrame(payload) : undefined;
      // Chunks of the weights, and nothing else.
      if (frame?.kind === 'chunk' && frame.sizeBytes > 20_000) flip(payload, integer(44, payload.length - 1));
      return undefined;
    };
    await expectRefused('weights');
    onMessage = () => undefined;
    await fleet.assign(id, release(2));
    await fleet.untilRunning(id, release(2));
  });

  const expectRefused = async (what: string): Promise<void> => {
    await fleet.assign(id, release(2));
    const { desired } = await fleet.device(id);
    const { reported } = await until(`${what} is refused`, async () => {
      const now = await status();
      return now.reported.generation === desired?.generation && now.reported.phase === 'failed' && now;
    });
    expect([what, reported.error?.code]).toEqual([what, 'chunk-damaged']);
    expect(reported.running).toMatchObject({ release: release(1).digest, verified: true });
  };

  test('a flipped bit in a desired state, or in a command, makes it nothing', async () => {
    let signed: Buffer | undefined;
    onMessage = (name, { payload }) => {
      if (name !== 'desired') return undefined;
      signed = Buffer.from(payload);
      return false;
    };
    await fleet.assign(id, release(0));
    const genuine = await until('the desired state is on its way', () => signed);
    const topic = topics.build('desired', { device: id });
    const before = (await status()).reported.generation;
    const alreadyRefused = (await refusals()).length;
    const flips = scaled(DESIRED_FLIPS);
    for (let count = 0; count < flips; count += 1) {
      const changed = Buffer.from(genuine);
      // The last characters of a signature hold bits that say nothing.
      flip(changed, integer(0, changed.length - 3));
      fleet.tap.inject(topic, changed);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until('each is reported', async () => (await refusals()).length >= alreadyRefused + flips);
    expect((await status()).reported.generation).toBe(before);
    fleet.tap.inject(topic, genuine);
    await fleet.untilRunning(id, release(0));

    onMessage = (name, { payload }) => {
      if (name === 'command') flip(payload, integer(0, payload.length - 3));
      return undefined;
    };
    const command = await fleet.client.call(api.commandDevice, { params: { id }, body: { name: 'ping', arguments: {}, waitMs: 1_500 } });
    expect(command.status).toBe('sent');
    onMessage = () => undefined;
  });

  test('a flipped bit at rest on the device is found at the next start, and the blob is pulled again', async () => {
    await agent.kill();
    const blobs = join(fleet.agentFolder('agent'), 'blobs');
    for (const name of await readdir(blobs)) {
      const bytes = await readFile(join(blobs, name));
      flip(bytes);
      await writeFile(join(blobs, name), bytes);
    }
    agent = await fleet.startAgent('agent');
    await until('it is reported', async () => {
      const events = await fleet.telemetry(id, 'events');
      return events.some(({ payload }) => payload.code === 'resume-failed') || undefined;
    });
    await until('it runs again', async () => (await status()).reported.running?.verified);
    for (const { document } of (await documentsOf(fleet, release(0))).artefacts) {
      expect(sha256(await readFile(join(blobs, document.blob.digest)))).toBe(document.blob.digest);
    }
  });

  test('an older desired state, and that of another device, are refused', async () => {
    const seen: Buffer[] = [];
    onMessage = (name, { payload }) => {
      if (name === 'desired') seen.push(Buffer.from(payload));
      return undefined;
    };
    await fleet.assign(id, release(1));
    await fleet.untilRunning(id, release(1));
    const older = await until('a desired state has come', () => seen.at(-1));
    await fleet.assign(id, release(0));
    await fleet.untilRunning(id, release(0));
    const { reported } = await status();
    const second = await fleet.startAgent('second', { release: release(0) });
    await fleet.untilRunning(second.ready.device, release(0));
    const foreign = seen.at(-1) as Buffer;
    await second.stop();
    for (const replayed of [older, foreign]) fleet.tap.inject(topics.build('desired', { device: id }), replayed);
    await until('both are reported', async () => {
      const messages = await refusals();
      return ['rollback', 'wrong-device'].every((code) => messages.some((message) => message.includes(code)));
    });
    expect((await status()).reported).toMatchObject({ generation: reported.generation, running: { release: release(0).digest } });
  });
});

interface Documents {
  release: Release;
  models: ModelVersion[];
  artefacts: { digest: string; precision: string; document: Artefact }[];
}

async function documentsOf(fleet: RunningFleet, { document }: ReleaseView): Promise<Documents> {
  const models = await Promise.all(document.models.map(({ digest }) => fleet.client.call(api.showModel, { params: { digest } })));
  const artefacts = models.flatMap((model) => model.artefacts).filter(({ precision }) => precision === 'int8');
  return { release: document, models: models.map((model) => model.document), artefacts };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
