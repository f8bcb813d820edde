import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { relativeError } from '../../fleet/src/artefacts/golden.ts';
import { checkModel, type OnnxModel, openModel, quantisationOf, writeModel, writeModelFile } from '../../fleet/src/artefacts/onnx/index.ts';
import { type Outputs, runModel } from '../../fleet/src/artefacts/onnx/small-models.ts';
import {
  convertToFloat16,
  pruneWeights,
  quantiseDynamically,
  quantiseToInt4,
  quantiseWeights,
} from '../../fleet/src/artefacts/quantise/index.ts';
import { demoModels } from '../demo/models.ts';

const methods: Record<string, { apply: (model: OnnxModel) => unknown; difference: number; share: number; opset?: number }> = {
  'int8 weights': { apply: quantiseWeights, difference: 0.2, share: 0.31 },
  'int4 weights': { apply: (model) => quantiseToInt4(model, { blockSize: 32 }), difference: 0.35, share: 1.001 },
  float16: { apply: (model) => convertToFloat16(model), difference: 0.1, share: 0.53 },
  'dynamic int8': { apply: (model) => quantiseDynamically(model, { weights: 'u8' }), difference: 1, share: 0.4, opset: 11 },
  'a tenth less weights': { apply: (model) => pruneWeights(model, 0.1), difference: 0.5, share: 1.001 },
};

/** Weights of a real model in other forms: whether ONNX Runtime runs them, how large they are, and that they still say nearly the same. */
describe.each(demoModels)('$name', ({ file, card }) => {
  const feeds = card.exampleShapes as Record<string, number[]>;
  let directory: string;
  let expected: Outputs;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'starling-text-'));
    expected = await runModel(file, feeds);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('means the same after it was read and written', async () => {
    const { model, close } = openModel(file);
    expect(checkModel(model).warnings).toEqual([]);
    expect(quantisationOf(model).quantised).toBe(false);
    expect(await runModel(writeModel(model), feeds)).toEqual(expected);
    const apart = join(directory, 'apart.onnx');
    writeModelFile(model, apart, { externalData: 'always' });
    expect(await runModel(apart, feeds)).toEqual(expected);
    close();
  });

  test.each(Object.entries(methods))('with %s', async (_name, { apply, difference, share, opset = 0 }) => {
    const { model, close } = openModel(file);
    const version = Number(String(model.opsetImport[0]?.version));
    if (version < opset) expect(() => apply(model)).toThrowError(expect.objectContaining({ code: 'unsupported-opset' }));
    else {
      apply(model);
      const bytes = writeModel(model);
      const actual = relativeError(floatsOf(expected), floatsOf(await runModel(bytes, feeds)));
      expect(actual).toBeLessThan(difference);
      expect(bytes.length / (await readFile(file)).length).toBeLessThan(share);
    }
    close();
  });
});

function floatsOf(outputs: Outputs): Map<string, Float32Array> {
  return new Map([...outputs].map(([name, { data }]) => [name, data as Float32Array]));
}
