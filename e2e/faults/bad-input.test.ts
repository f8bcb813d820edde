import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { api, isStarlingError, type PipelineInput, type StarlingError } from '@starling/shared';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childrenOf } from '../harness/child-processes.ts';
import { type GraphSpec, writeOnnx } from '../harness/onnx-file.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { findBoxes, mapModel, publishMapRelease } from '../harness/small-models.ts';

const small = mapModel(9, { width: 16, layers: 1 });

/** Files that are no model to run, and what is said about each. */
const models: Record<string, { bytes: Uint8Array; code: string; field: string }> = {
  'a text': { bytes: Buffer.from('this is not a model\n'.repeat(50)), code: 'not-onnx', field: 'model' },
  'an image': { bytes: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), code: 'not-onnx', field: 'model' },
  'a file of no bytes': { bytes: new Uint8Array(0), code: 'empty-upload', field: 'body' },
  'a truncated file': { bytes: writeOnnx(small).slice(0, -500), code: 'onnx-truncated', field: 'model' },
  'weights in another file': {
    bytes: writeOnnx({
      ...small,
      weights: { ...small.weights, w0: { shape: [16, 3, 1, 1], values: new Float32Array(0), externalFile: 'weights.bin' } },
    }),
    code: 'external-data-missing',
    field: 'model.graph.initializer',
  },
  'an operator that nobody has': {
    bytes: writeOnnx({ ...small, nodes: small.nodes.map((node) => (node.op === 'Sigmoid' ? { ...node, op: 'Divine' } : node)) }),
    code: 'unsupported-operator',
    field: 'model.graph.node.Divine',
  },
  'an operator of another domain': {
    bytes: writeOnnx({ ...small, nodes: small.nodes.map((node) => (node.op === 'Sigmoid' ? { ...node, domain: 'com.example' } : node)) }),
    code: 'unsupported-operator',
    field: 'model.graph.node.Sigmoid',
  },
  'an edge to nowhere': {
    bytes: writeOnnx({ ...small, outputs: { nowhere: { type: 'float32', shape: [1] } } } satisfies GraphSpec),
    code: 'invalid-model',
    field: 'model',
  },
};

const { boxes: _boxes, ...withoutBoxes } = findBoxes.nodes;
/** Pipelines that cannot run, and the field that is at fault. */
const pipelines: Record<string, { document: PipelineInput; code: string; field: RegExp }> = {
  'a cycle': {
    document: {
      ...findBoxes,
      nodes: { ...findBoxes.nodes, again: { op: 'image.resize' }, oncemore: { op: 'image.resize' } },
      edges: [...findBoxes.edges, { from: 'again.image', to: 'oncemore.image' }, { from: 'oncemore.image', to: 'again.image' }],
    },
    code: 'cycle',
    field: /again|oncemore|edges|nodes/,
  },
  'an unknown model': {
    document: { ...findBoxes, nodes: { ...findBoxes.nodes, map: { model: 'nobody-made-it' } } },
    code: 'unknown-model',
    field: /^nodes\.map/,
  },
  'an unknown operator': {
    document: { ...findBoxes, nodes: { ...findBoxes.nodes, decode: { op: 'image.guess' } } },
    code: 'unknown-operator',
    field: /^nodes\.decode/,
  },
  'a type that does not fit': {
    document: {
      ...findBoxes,
      edges: findBoxes.edges.map((edge) => (edge.to === 'map.x' ? { from: 'resize.image', to: 'map.x' } : edge)),
    },
    code: 'type-mismatch',
    field: /^edges\.3/,
  },
  'an output that nothing reaches': {
    document: { ...findBoxes, nodes: withoutBoxes, edges: findBoxes.edges.filter(({ from, to }) => !`${from} ${to}`.includes('boxes')) },
    code: 'missing-output',
    field: /^outputs/,
  },
  'a node that is not there': {
    document: { ...findBoxes, edges: [...findBoxes.edges, { from: 'ghost.image', to: 'decode.image' }] },
    code: 'unknown-node',
    field: /^edges\.7/,
  },
  'a parameter out of bounds': {
    document: { ...findBoxes, nodes: { ...findBoxes.nodes, resize: { op: 'image.resize', params: { longestSide: -1 } } } },
    code: 'invalid-params',
    field: /^nodes\.resize\.params/,
  },
};

describe('bad input', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    const release = await publishMapRelease(fleet, mapModel(0), 0);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const refusal = async (work: Promise<unknown>): Promise<Pick<StarlingError, 'code' | 'field' | 'hint'>> => {
    const error = await work.then(
      () => new Error('it was taken'),
      (reason: unknown) => reason,
    );
    if (!isStarlingError(error)) throw error;
    return error;
  };
  const catalogue = async () => {
    const query = { limit: 100, offset: 0 };
    const lists = await Promise.all(
      [api.listModels, api.listPipelines, api.listReleases].map((list) => fleet.client.call(list, { query })),
    );
    return lists.map(({ items }) => items.map(({ digest }) => digest));
  };

  test.for(Object.entries(models))('as a model: %s', async ([what, { bytes, code, field }]) => {
    const before = await catalogue();
    const file = join(fleet.folder, 'bad.onnx');
    await writeFile(file, bytes);
    const card = { title: what, licence: 'none', description: '', task: 'other' };
    const error = await refusal(fleet.operator.pushModel({ name: 'bad', version: '1.0.0', file, card }));
    expect([error.code, error.field]).toEqual([code, field]);
    expect(error.hint).toBeTruthy();
    expect(await catalogue()).toEqual(before);
  });

  test('as a model: a file that says it has 3 GB is refused before its first byte', async () => {
    const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const sending = request(`${fleet.baseUrl}/api/v1/uploads?kind=model`, {
        method: 'POST',
        headers: { authorization: `Bearer ${fleet.token}`, 'content-type': 'application/octet-stream', 'content-length': 3 * 1024 ** 3 },
      });
      sending.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          body += piece;
          if (!body.endsWith('}')) return;
          resolve({ status: response.statusCode, body });
          sending.destroy();
        });
      });
      sending.on('error', reject);
      sending.flushHeaders();
    });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upload-too-large', field: 'body', hint: expect.any(String) });
  });

  test.for(Object.entries(pipelines))('as a pipeline: %s', async ([, { document, code, field }]) => {
    const before = await catalogue();
    const changed = { ...document, version: '9.9.9' };
    const { problems } = await fleet.client.call(api.checkPipeline, { body: { document: changed } });
    const problem = problems.find((each) => each.code === code);
    expect(problem, JSON.stringify(problems)).toBeDefined();
    expect(problem?.field).toMatch(field);
    expect((await refusal(fleet.operator.pushPipeline(changed))).code).toBe('invalid-pipeline');
    expect(await catalogue()).toEqual(before);
  });

  const infer = async (image: Uint8Array): Promise<{ status: number; code?: string; field?: string; hint?: string }> => {
    const body = new Uint8Array(image);
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    const { code, field, hint } = (await response.json()) as { code?: string; field?: string; hint?: string };
    return {
      status: response.status,
      ...(code === undefined ? {} : { code }),
      ...(field === undefined ? {} : { field, hint: hint ?? '' }),
    };
  };
  const plain = (side = 32) => sharp({ create: { width: side, height: side, channels: 3, background: '#2a5aa0' } });
  const images: Record<string, { make: () => Promise<Uint8Array> | Uint8Array; code?: string }> = {
    'of no bytes': { make: () => new Uint8Array(0), code: 'not-an-image' },
    'that is a text': { make: () => Buffer.from('hello'), code: 'not-an-image' },
    'that ends too early': { make: async () => (await plain(256).jpeg().toBuffer()).subarray(0, 400), code: 'not-an-image' },
    'with bits flipped inside': {
      make: async () => (await plain(64).png().toBuffer()).map((byte, index) => (index > 60 ? byte ^ 0x55 : byte)),
      code: 'not-an-image',
    },
    'that claims 60,000 x 60,000 pixels': { make: () => claimedPng(60_000, 60_000), code: 'image-too-large' },
    'that is animated': {
      make: () =>
        sharp(Buffer.concat([Buffer.alloc(32 * 32 * 3, 40), Buffer.alloc(32 * 32 * 3, 200)]), {
          raw: { width: 32, height: 64, channels: 3, pageHeight: 32 },
        })
          .gif({ delay: [100, 100] })
          .toBuffer(),
    },
    'in CMYK': { make: () => plain().toColourspace('cmyk').jpeg().toBuffer() },
    'of 1 x 1': { make: () => paintPlain(1, 2, 3, 1) },
    'in grey with 16 bits and transparency': { make: () => plain().ensureAlpha(0.5).toColourspace('grey16').png().toBuffer() },
    'one pixel high': {
      make: () =>
        sharp({ create: { width: 3_000, height: 1, channels: 3, background: '#000000' } })
          .png()
          .toBuffer(),
    },
  };

  test.for(Object.entries(images))('as an image: one %s', async ([, { make, code }]) => {
    const [host] = await childrenOf(agent.pid);
    const answer = await infer(await make());
    if (code === undefined) expect(answer).toEqual({ status: 200 });
    else expect(answer).toMatchObject({ status: 422, code, field: 'nodes.decode.image', hint: expect.stringMatching(/\w/) });
    expect(await infer(await paintPlain(9, 9, 9))).toEqual({ status: 200 });
    expect((await childrenOf(agent.pid))[0]).toBe(host);
  });

  test('as an image: what the device says about it comes back through the fleet', async () => {
    const params = { id: agent.ready.device };
    const error = await refusal(fleet.client.call(api.inferOnDevice, { params, raw: claimedPng(60_000, 60_000) }));
    expect([error.code, error.field]).toEqual(['image-too-large', 'nodes.decode.image']);
  });
});

/** A PNG of some hundred bytes whose header claims a size. */
function claimedPng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const data = chunk('IDAT', deflateSync(Buffer.alloc(100_000)));
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), data, chunk('IEND', Buffer.alloc(0))]);
}
