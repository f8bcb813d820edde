import { rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type BuildMethod, buildRecipeSchema, goldenInput } from '@starling/shared';
import { expect, test } from 'vitest';
import type { BuiltResult } from '../build-messages.ts';
import { inspectModel } from '../inspect.ts';
import { type ModelFiles, makeNode, makeTensor, openModel, writeModelFile, writeModelFiles } from '../onnx/index.ts';
import { modelOf, port, runModel } from '../onnx/small-models.ts';
import { withDirectory } from '../onnx/temporary-directory.ts';
import { buildArtefact } from './build-artefact.ts';

const SIDE = 160;
const WEIGHTS_BYTES = 2 * SIDE * SIDE * 4;
const shapes = { x: [1, SIDE] };

/** Two products, in an opset that has to be raised by what is known of types: what a limit of 2 GiB does to large models, done to small ones. */
function stack(directory: string): ModelFiles {
  const weight = (name: string, seed: number) =>
    makeTensor(
      name,
      'float',
      [SIDE, SIDE],
      goldenInput(seed, SIDE * SIDE).map((value) => (value - 0.5) / 8),
    );
  const model = modelOf(
    {
      nodes: [
        makeNode('MatMul', ['x', 'w'], ['m'], { name: 'first' }),
        makeNode('Softmax', ['m'], ['s'], { name: 'share', attributes: { axis: { int: 1 } } }),
        makeNode('MatMul', ['s', 'v'], ['y'], { name: 'second' }),
      ],
      constants: [weight('w', 3), weight('v', 4)],
      inputs: [port('x', [1, SIDE])],
      outputs: [port('y', [1, SIDE])],
    },
    { opset: 11 },
  );
  return writeModelFiles(model, join(directory, 'source.onnx'), 0);
}

function build(source: ModelFiles, method: BuildMethod, fileBytesMaximum: number): Promise<BuiltResult> {
  return buildArtefact({
    file: source.file,
    ...(source.weights === undefined ? {} : { weights: source.weights.digest }),
    ...{ fileBytesMaximum, recipe: buildRecipeSchema.parse({ method }), exampleShapes: {}, outputDirectory: dirname(source.file) },
    ...{ model: { name: 'stack', assets: {} }, companions: {}, onProgress: () => undefined, log: () => undefined },
  });
}

test.each<[BuildMethod, sizeShare: number]>([
  ['source', 1],
  ['optimised', 1],
  ['fp16', 0.5],
  ['weights-int8', 0.25],
  ['weights-int4', 0.18],
  ['dynamic-int8', 0.25],
])('%s is built of weights in a file of their own, and has such a file if one is not to hold it', async (method, sizeShare) => {
  await withDirectory(async (directory) => {
    const source = stack(directory);
    const built = await build(source, method, 4096);
    expect(built.weights).toBeDefined();
    const weightsBytes = (await stat(built.weights?.file ?? '')).size;
    expect(weightsBytes / WEIGHTS_BYTES).toBeGreaterThan(sizeShare * 0.95);
    expect(weightsBytes / WEIGHTS_BYTES).toBeLessThan(sizeShare * 1.15);
    expect(built.report.maximumError).toBeLessThan(0.1);
    expect(built.report.compressionRatio).toBeCloseTo(
      (weightsBytes + (await stat(built.file)).size) / (WEIGHTS_BYTES + (await stat(source.file)).size),
      5,
    );
    if (method === 'source') return;
    const whole = await build(source, method, 1e6);
    expect(whole.weights).toBeUndefined();
    expect(await runModel(built.file, shapes)).toEqual(await runModel(whole.file, shapes));
  });
});

test('a model may read the weights that were pushed with it, and nothing else', async () => {
  await withDirectory(async (directory) => {
    const { file, weights } = stack(directory);
    const { digest = '' } = weights ?? {};
    const codeOf = (given?: string): Promise<string> =>
      inspectModel(file, given).then(
        () => 'taken',
        ({ code }) => code,
      );
    expect(await codeOf(digest)).toBe('taken');
    expect(await codeOf()).toBe('external-data-missing');
    await writeFile(join(directory, 'f'.repeat(64)), '');
    expect(await codeOf('f'.repeat(64))).toBe('external-data-path');
    await rename(join(directory, digest), join(directory, 'elsewhere'));
    expect(await codeOf(digest)).toBe('external-data-missing');
    await writeFile(join(directory, digest), new Uint8Array(WEIGHTS_BYTES - 1));
    expect(await codeOf(digest)).toBe('external-data-corrupt');
    await rename(join(directory, 'elsewhere'), join(directory, digest));
    const opened = openModel(file, { externalDirectory: directory });
    writeModelFile(opened.model, file);
    opened.close();
    expect(await codeOf(digest)).toBe('weights-unused');
    expect(basename(weights?.file ?? '')).toBe(digest);
  });
});
