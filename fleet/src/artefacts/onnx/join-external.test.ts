import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { goldenInput, isStarlingError, MODEL_BYTES_MAXIMUM } from '@starling/shared';
import { expect, test } from 'vitest';
import { makeNode } from './attributes.ts';
import { joinExternalData } from './join-external.ts';
import { type TensorProto, tensorDataType } from './proto.ts';
import { type OnnxModel, readModel } from './read.ts';
import { modelOf, port, runModel } from './small-models.ts';
import { withDirectory } from './temporary-directory.ts';
import { makeTensor } from './tensor.ts';
import { writeModel, writeModelFile } from './write.ts';

const MEBIBYTE = 1024 ** 2;
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
const inputs = [port('x', [2, 64])];
const outputs = [port('y', [2, 64])];
const nodes = [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('Add', ['m', 'b'], ['y'])];
const product = (): OnnxModel =>
  modelOf({
    nodes,
    constants: [makeTensor('w', 'float', [64, 64], goldenInput(3, 4096)), makeTensor('b', 'float', [64], goldenInput(4, 64))],
    ...{ inputs, outputs },
  });

/** A model of tensors that lie in `w.bin`, each from its start. */
function pointing(floats: readonly number[]): OnnxModel {
  const constants = floats.map(
    (count, index): TensorProto => ({
      ...{ name: `w${index}`, dims: [count], dataType: tensorDataType.float, dataLocation: 1 },
      externalData: [{ key: 'location', value: 'w.bin' }],
    }),
  );
  return modelOf({ nodes: [makeNode('Identity', ['x'], ['y'])], constants, inputs, outputs });
}

const bytesOf = (pieces: Iterable<Uint8Array>): Buffer => Buffer.concat([...pieces]);
const codeOf = (file: string): string | undefined => {
  try {
    joinExternalData(file)?.close();
    return undefined;
  } catch (error) {
    return isStarlingError(error) ? error.code : String(error);
  }
};

test('gives the file that the model would be with its data inside, as often as it is asked', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'net.onnx');
    expect(writeModelFile(product(), file, { externalData: 'always' }).files).toHaveLength(2);
    const joined = joinExternalData(file) ?? expect.unreachable();
    expect(joined.files).toEqual(['net.onnx.data']);
    const [first, second] = [bytesOf(joined.pieces()), bytesOf(joined.pieces())];
    joined.close();
    expect(first.length).toBe(joined.byteLength);
    expect(second.equals(first)).toBe(true);
    const feeds = { x: [2, 64] };
    expect(await runModel(first, feeds)).toEqual(await runModel(product(), feeds));
    expect(writeModel(readModel(first))).toEqual(new Uint8Array(first));
    await rm(`${file}.data`);
    expect(codeOf(file)).toBe('external-data-missing');
  });
});

test('leaves alone what is one file, and what is no model', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'net.onnx');
    writeModelFile(product(), file);
    expect(joinExternalData(file)).toBeUndefined();
    await writeFile(file, 'hello, I am no model');
    expect(joinExternalData(file)).toBeUndefined();
  });
});

test('refuses data that is short, and a path that leads out of the folder', async () => {
  await withDirectory(async (outer) => {
    const directory = join(outer, 'model');
    await mkdir(directory);
    const file = join(directory, 'net.onnx');
    writeModelFile(pointing([4096]), file);
    await writeFile(join(directory, 'w.bin'), new Uint8Array(16_383));
    expect(codeOf(file)).toBe('external-data-corrupt');
    await rm(join(directory, 'w.bin'));
    await writeFile(join(outer, 'w.bin'), new Uint8Array(16_384));
    await symlink(join(outer, 'w.bin'), join(directory, 'w.bin'));
    expect(codeOf(file)).toBe('external-data-path');
  });
});

test('holds a mebibyte of a model at a time, however large it is', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'net.onnx');
    const floats = (160 * MEBIBYTE) / 4;
    writeModelFile(pointing([floats]), file);
    await writeFile(join(directory, 'w.bin'), '');
    await truncate(join(directory, 'w.bin'), floats * 4);
    const joined = joinExternalData(file) ?? expect.unreachable();
    let byteLength = 0;
    const before = process.memoryUsage().arrayBuffers;
    let held = 0;
    let pieces = 0;
    for (const piece of joined.pieces()) {
      expect(piece.length).toBeLessThanOrEqual(MEBIBYTE);
      byteLength += piece.length;
      if (++pieces % 8 === 0) collectGarbage();
      held = Math.max(held, process.memoryUsage().arrayBuffers - before);
    }
    joined.close();
    expect(byteLength).toBe(joined.byteLength);
    expect(byteLength).toBeGreaterThan(floats * 4);
    // Pieces that nobody holds any more are freed with each collection.
    expect(held).toBeLessThan(64 * MEBIBYTE);
  });
});

test('refuses what no protobuf file can hold before it reads any of it, also where tensors share their data', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'net.onnx');
    const third = Math.ceil(MODEL_BYTES_MAXIMUM / 3 / 4);
    await writeFile(join(directory, 'w.bin'), '');
    await truncate(join(directory, 'w.bin'), third * 4);
    writeModelFile(pointing([third, third]), file);
    expect(codeOf(file)).toBeUndefined();
    writeModelFile(pointing([third, third, third]), file);
    expect(codeOf(file)).toBe('model-too-large');
  });
});
