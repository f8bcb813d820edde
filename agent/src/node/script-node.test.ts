import type { PipelineGraph, ScriptNode } from '@starling/shared';
import { pipelineGraphSchema } from '@starling/shared';
import { afterAll, expect, test } from 'vitest';
import type { Evaluation } from '../core/runtime/index.ts';
import { openEvaluation } from '../core/runtime/index.ts';
import { createSystemClock } from './clock.ts';
import { readAsset } from './engine/assets.ts';
import { createOnnxRuntime } from './engine/onnxruntime.ts';
import { createSharpCodec } from './image-codec.ts';
import { createThreadSandbox } from './sandbox.ts';

const engine = createOnnxRuntime({
  workerUrl: new URL('./engine/session-worker.ts', import.meta.url),
  runTimeoutMs: 10_000,
  onHung: () => undefined,
});
const ports = {
  ...{ engine, clock: createSystemClock(), codec: createSharpCodec(), readAsset },
  sandbox: createThreadSandbox(new URL('./engine/script-worker.ts', import.meta.url)),
};
const opened: Evaluation[] = [];
afterAll(async () => {
  await Promise.all(opened.map((evaluation) => evaluation.close()));
  await engine.close();
});

type Settings = Partial<ScriptNode['script']> & { source: string };

/** A pipeline of one script between its input and its output. */
function graphOf(script: Settings, output: string, node: object = {}): PipelineGraph {
  return pipelineGraphSchema.parse({
    inputs: { bytes: 'encoded-image' },
    outputs: { result: output },
    nodes: { own: { script: { inputs: { bytes: 'encoded-image' }, outputs: { result: output }, cpuMs: 1000, ...script }, ...node } },
    edges: [
      { from: 'input.bytes', to: 'own.bytes' },
      { from: 'own.result', to: 'output.result' },
    ],
  });
}

async function open(graph: PipelineGraph): Promise<Evaluation> {
  const evaluation = await openEvaluation({ graph, models: {}, exact: [], threads: 1 }, ports);
  opened.push(evaluation);
  return evaluation;
}

const resultOf = async (evaluation: Evaluation, ...bytes: number[]): Promise<unknown> =>
  (await evaluation.run(Uint8Array.from(bytes))).outputs.result;

test('a script counts along its stream, with its parameters, and a failure leaves its state as it was', async () => {
  const source = `export default ({ bytes }, { params, state }) => {
    state.total = (state.total ?? 0) + bytes.length * params.weight;
    if (bytes[0] === 0) throw new RangeError('no zeros');
    return { result: { total: state.total, type: bytes.constructor.name } };
  }`;
  const evaluation = await open(graphOf({ source, stateful: true }, 'json', { params: { weight: 10 } }));
  expect(await resultOf(evaluation, 1, 2)).toEqual({ total: 20, type: 'Uint8Array' });
  await expect(resultOf(evaluation, 0)).rejects.toMatchObject({ code: 'script-failed', field: 'nodes.own' });
  expect(await resultOf(evaluation, 1)).toEqual({ total: 30, type: 'Uint8Array' });
});

test('a tensor goes from one script to the next, and a picture out of it', async () => {
  const script = (source: string, input: string, output: string) => ({
    script: { source, inputs: { in: input }, outputs: { out: output }, cpuMs: 1000 },
  });
  const floats = 'tensor<float32,[1,n]>';
  const graph = pipelineGraphSchema.parse({
    inputs: { bytes: 'encoded-image' },
    outputs: { picture: 'image' },
    nodes: {
      floats: script(
        'export default (given) => ({ out: { elementType: "float32", shape: [1, given.in.length], data: Float32Array.from(given.in) } })',
        'encoded-image',
        floats,
      ),
      picture: script(
        'export default (given) => ({ out: { width: 1, height: given.in.shape[1] / 3, data: Uint8Array.from(given.in.data, (n) => n * 2) } })',
        floats,
        'image',
      ),
    },
    edges: [
      { from: 'input.bytes', to: 'floats.in' },
      { from: 'floats.out', to: 'picture.in' },
      { from: 'picture.out', to: 'output.picture' },
    ],
  });
  const evaluation = await open(graph);
  const { outputs } = await evaluation.run(Uint8Array.of(1, 2, 3, 4, 5, 6));
  expect(outputs.picture).toEqual({ width: 1, height: 2, data: Uint8Array.of(2, 4, 6, 8, 10, 12) });
  await expect(evaluation.run(Uint8Array.of(1))).rejects.toMatchObject({ code: 'wrong-type', field: 'nodes.picture.script.outputs.out' });
});

test('bytes that lie in a buffer of Node are copied, and stay readable', async () => {
  const evaluation = await open(
    graphOf({ source: 'export default ({ bytes }) => ({ result: [bytes.constructor.name, ...bytes] })' }, 'json'),
  );
  const pooled = Buffer.from([7, 8, 9]).subarray(1);
  const run = async (): Promise<unknown> => (await evaluation.run(pooled)).outputs.result;
  expect([await run(), await run()]).toEqual([
    ['Uint8Array', 8, 9],
    ['Uint8Array', 8, 9],
  ]);
});

test('what no output declares is refused', async () => {
  const evaluation = await open(graphOf({ source: 'export default () => ({ result: 1, other: 2 });' }, 'json'));
  await expect(resultOf(evaluation, 1)).rejects.toMatchObject({ code: 'wrong-type', field: 'nodes.own.script.outputs.other' });
});

test('what a script does not return is not there; what may fail is skipped', async () => {
  const source = 'export default ({ bytes }) => { if (bytes[0] === 0) for (;;); return bytes[0] === 1 ? {} : { result: 1 }; }';
  const evaluation = await open(graphOf({ source, cpuMs: 200 }, 'json', { onError: 'skip' }));
  expect([await resultOf(evaluation, 0), await resultOf(evaluation, 1), await resultOf(evaluation, 2)]).toEqual([undefined, undefined, 1]);
});

test('a script with a mistake is found before anything runs, with its place', async () => {
  await expect(open(graphOf({ source: 'export default () => {\n  return {,};\n}' }, 'json'))).rejects.toMatchObject({
    code: 'invalid-script',
    field: 'nodes.own.script.source',
    message: expect.stringMatching(/line 2, column \d+/),
  });
});
