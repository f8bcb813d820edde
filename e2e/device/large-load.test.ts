import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOnnxRuntime } from '../../agent/src/node/engine/onnxruntime.ts';
import { writeOnnx } from '../harness/onnx-file.ts';
import { mapModel } from '../harness/small-models.ts';

const settings = { provider: 'cpu', threads: 1, spinning: false, arena: false, executionMode: 'sequential' } as const;
let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-large-load-'));
  file = join(folder, 'large.onnx');
  // 41 MB: some ten seconds more than a run may take.
  await writeFile(file, writeOnnx(mapModel(1, { width: 3200, layers: 1 })));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a large model may load for longer than a run may take, and a run that takes longer is still found', async () => {
  const hung: string[] = [];
  const workerUrl = new URL('../../agent/src/node/engine/session-worker.ts', import.meta.url);
  const engine = createOnnxRuntime({ workerUrl, runTimeoutMs: 1, onHung: (reason) => hung.push(reason) });
  try {
    const session = await engine.open(file, settings);
    expect(hung).toEqual([]);
    await session.run({ x: { elementType: 'float32', shape: [1, 3, 32, 32], data: engine.allocateFloat32(3 * 32 * 32) } });
    expect(hung).toEqual(['a model ran longer than 1 ms']);
  } finally {
    await engine.close();
  }
});
