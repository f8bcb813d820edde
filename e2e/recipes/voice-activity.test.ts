import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Audio,
  checkPipeline,
  operatorRegistry,
  type Pipeline,
  pipelineSchema,
  releaseSchema,
  sinkRegistry,
  sourceRegistry,
} from '@starling/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startOperator } from '../../agent/src/core/pipelines/operators/operator-harness.ts';
import type { ModelPorts } from '../../agent/src/core/ports/engine.ts';
import type { RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { createHostProcess } from '../../agent/src/node/engine/host-process.ts';
import { composeScene, SPEECH_HZ } from './speech.ts';
import { voiceModel, voicePipelineFile } from './voice-activity.ts';

const ports: ModelPorts = {
  inputs: [
    { name: 'input', elementType: 'float32', shape: ['batch', 'samples'] },
    { name: 'state', elementType: 'float32', shape: [2, 'batch', 128] },
    { name: 'sr', elementType: 'int64', shape: [] },
  ],
  outputs: [
    { name: 'output', elementType: 'float32', shape: ['batch', 1] },
    { name: 'stateN', elementType: 'float32', shape: ['layers', 'batch', 'width'] },
  ],
};
const FRAME = 512;
const CONTEXT = 64;
const FRAME_MS = (FRAME * 1000) / SPEECH_HZ;

interface Heard {
  segments: { startMs: number; endMs: number }[];
  speech?: { label: string; score: number };
  level: { rmsDb: number };
}

describe('voice activity', () => {
  const scene = composeScene();
  const pipeline = pipelineSchema.parse(parse(readFileSync(voicePipelineFile, 'utf8')));
  let folder: string;
  let host: RuntimeHost;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-voice-'));
    host = createHostProcess({
      ...{ dataDirectory: folder, machine: { threads: 1, arena: false }, runTimeoutMs: 60_000 },
      hostFile: new URL('../../agent/src/node/engine/runtime-host.ts', import.meta.url),
      workerFile: './session-worker.ts',
      scriptFile: './script-worker.ts',
      environment: process.env,
    });
    await host.load(installed(pipeline));
    await host.activate('voice');
  });
  afterAll(async () => {
    await host?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const hear = async (audio: Audio, source: string): Promise<Heard> => (await host.infer(audio, { source })).outputs as unknown as Heard;
  const segmentsOf = async (chunks: readonly Audio[], source: string): Promise<Heard['segments']> => {
    const found: Heard['segments'] = [];
    for (const chunk of chunks) found.push(...((await hear(chunk, source)).segments ?? []));
    return found;
  };

  test('is a pipeline in which nothing is wrong', () => {
    const models = new Map([['voice-activity', ports]]);
    expect(checkPipeline(pipeline, { operators: operatorRegistry, sources: sourceRegistry, sinks: sinkRegistry, models })).toEqual([]);
  });

  test('gives the probabilities of a loop over the model that is written by hand', async () => {
    const expected = await probabilitiesByHand(scene.audio.samples);
    const got: number[] = [];
    for (const chunk of chunksOf(scene.audio, () => FRAME)) {
      const { speech } = await hear(chunk, 'frames');
      if (speech !== undefined) got.push(speech.score);
    }
    expect(got).toHaveLength(Math.floor(scene.audio.samples.length / FRAME));
    expect(Math.max(...got.map((probability, index) => Math.abs(probability - (expected[index] ?? Number.NaN))))).toBeLessThan(1e-6);
    // Otherwise the figures would agree on nothing.
    expect([Math.min(...expected) < 0.01, Math.max(...expected) > 0.95]).toEqual([true, true]);
  });

  test('finds speech where it is, and none in silence and noise', async () => {
    const segments = await segmentsOf(
      chunksOf(scene.audio, (index) => 700 + 311 * (index % 7)),
      'irregular',
    );
    for (const { startMs, endMs } of segments) {
      const [from, to] = scene.spoken.find(([, end]) => startMs < end) ?? [0, 0];
      expect([startMs > from - 150, endMs < to + 250]).toEqual([true, true]);
    }
    for (const [from, to] of scene.spoken) {
      const inside = segments.filter(({ startMs }) => startMs > from - 150 && startMs < to);
      expect(inside.length).toBeGreaterThan(0);
      const spokenMs = inside.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
      // There is a pause between its sentences.
      expect(spokenMs / (to - from)).toBeGreaterThan(0.75);
      expect([(inside[0]?.startMs ?? 0) - from < 150, to - (inside.at(-1)?.endMs ?? 0) < 250]).toEqual([true, true]);
    }
  });

  test('keeps streams apart that come at the same time', async () => {
    const chunks = chunksOf(scene.audio, () => 1600);
    const together: Record<string, Heard['segments']> = { left: [], right: [] };
    const hearInto = async (source: string, chunk: Audio): Promise<void> => {
      together[source]?.push(...(await hear(chunk, source)).segments);
    };
    for (const [index, chunk] of chunks.entries()) {
      const silent = { ...chunk, samples: new Float32Array(chunk.samples.length) };
      // The right one begins ten chunks later.
      await Promise.all([hearInto('left', chunk), hearInto('right', chunks[index - 10] ?? silent)]);
    }
    expect(together.left).toEqual(await segmentsOf(chunks, 'alone'));
    expect(together.right?.length).toBeGreaterThan(0);
    expect(together.right?.[0]?.startMs).toBeCloseTo((together.left?.[0]?.startMs ?? 0) + 1000, -2);
  });

  test('finds the same in two channels at another rate', async () => {
    const { audio: raised } = (await startOperator('audio.resample', { sampleRateHz: 44_100 }).run({ audio: scene.audio })) as {
      audio: Audio;
    };
    const samples = Float32Array.from({ length: raised.samples.length * 2 }, (_, index) => raised.samples[index >> 1] as number);
    const stereo = { sampleRateHz: 44_100, channels: 2, samples };
    const found = await segmentsOf(
      chunksOf(stereo, () => 4410),
      'stereo',
    );
    const expected = await segmentsOf(
      chunksOf(scene.audio, () => 1600),
      'mono',
    );
    expect(found).toHaveLength(expected.length);
    for (const [index, { startMs, endMs }] of found.entries()) {
      expect(Math.abs(startMs - (expected[index]?.startMs ?? 0))).toBeLessThanOrEqual(2 * FRAME_MS);
      expect(Math.abs(endMs - (expected[index]?.endMs ?? 0))).toBeLessThanOrEqual(2 * FRAME_MS);
    }
  });

  test('learns from the file of the model what it keeps, where nobody says it', async () => {
    const bare = installed(pipeline);
    await host.load({
      ...bare,
      key: 'bare',
      models: bare.models.map(({ ports: _ports, artefact: _artefact, ...model }) => ({ ...model, artefact: '1'.repeat(64) })),
    });
    const expected = await segmentsOf(
      chunksOf(scene.audio, () => 1600),
      'told',
    );
    await host.activate('bare');
    expect(
      await segmentsOf(
        chunksOf(scene.audio, () => 1600),
        'bare',
      ),
    ).toEqual(expected);
    await host.activate('voice');
  });

  test('gives the level of every chunk, also of one that completes no frame', async () => {
    const heard = await hear({ sampleRateHz: SPEECH_HZ, channels: 1, samples: new Float32Array(100).fill(0.1) }, 'short');
    expect(heard).toEqual({ level: { rmsDb: expect.closeTo(-20, 3), peakDb: expect.closeTo(-20, 3), peak: expect.closeTo(0.1, 5) } });
  });
});

function installed(pipeline: Pipeline): Parameters<RuntimeHost['load']>[0] {
  const digest = '0'.repeat(64);
  const release = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: 'recipes', name: 'voice', createdAtMs: 0, models: [] },
    pipeline: { name: pipeline.name, version: pipeline.version, digest },
    policies: { egress: { outputs: Object.keys(pipeline.outputs) } },
  });
  const model = {
    name: 'voice-activity',
    artefact: digest,
    location: voiceModel.file,
    precision: 'fp32',
    executionProviders: ['cpu'],
    ports,
  };
  return { key: 'voice', digest, release, pipeline, models: [model], assets: {}, telemetryWindowMs: 60_000 };
}

function chunksOf(audio: Audio, lengthOf: (index: number) => number): Audio[] {
  const chunks: Audio[] = [];
  for (let at = 0; at < audio.samples.length; ) {
    const end = at + lengthOf(chunks.length) * audio.channels;
    chunks.push({ ...audio, samples: audio.samples.slice(at, end) });
    at = end;
  }
  return chunks;
}

/** What the authors of the model do: each frame with the end of the one before, and the state goes round. */
async function probabilitiesByHand(samples: Float32Array): Promise<number[]> {
  const session = await InferenceSession.create(voiceModel.file, { executionProviders: ['cpu'], intraOpNumThreads: 1 });
  const probabilities: number[] = [];
  const sr = new Tensor('int64', BigInt64Array.of(BigInt(SPEECH_HZ)), []);
  let state = new Tensor('float32', new Float32Array(2 * 128), [2, 1, 128]);
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    const input = new Float32Array(CONTEXT + FRAME);
    input.set(samples.subarray(Math.max(0, at - CONTEXT), at), at === 0 ? CONTEXT : 0);
    input.set(samples.subarray(at, at + FRAME), CONTEXT);
    const given = await session.run({ input: new Tensor('float32', input, [1, input.length]), state, sr });
    probabilities.push((given.output as Tensor).data[0] as number);
    state = given.stateN as typeof state;
  }
  await session.release();
  return probabilities;
}
