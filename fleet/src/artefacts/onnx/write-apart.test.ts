import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { goldenInput } from '@starling/shared';
import { expect, test } from 'vitest';
import { makeNode } from './attributes.ts';
import { externalFiles } from './external-data.ts';
import { splitModel } from './join-external.ts';
import { type OnnxModel, openModel, readModel } from './read.ts';
import { modelOf, port, runModel } from './small-models.ts';
import { withDirectory } from './temporary-directory.ts';
import { makeTensor } from './tensor.ts';
import { writeModelFile } from './write.ts';
import { writeModelFiles } from './write-apart.ts';

const product = (): OnnxModel =>
  modelOf({
    nodes: [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('MatMul', ['m', 'v'], ['n']), makeNode('Add', ['n', 'b'], ['y'])],
    constants: [
      makeTensor('w', 'float', [64, 70], goldenInput(3, 4480)),
      makeTensor('v', 'float', [70, 64], goldenInput(5, 4480)),
      makeTensor('b', 'float', [64], goldenInput(4, 64)),
    ],
    inputs: [port('x', [2, 64])],
    outputs: [port('y', [2, 64])],
  });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const feeds = { x: [2, 64] };
const WEIGHTS_BYTES = 2 * 4480 * 4;

test('a model that may be one file is one; else its weights lie beside it, under the digest that it names', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'net.onnx');
    expect(writeModelFiles(product(), file)).toEqual({ file });
    const { size } = await stat(file);
    expect(writeModelFiles(product(), file, size)).toEqual({ file });
    const { weights } = writeModelFiles(product(), file, size - 1);
    const bytes = await readFile(weights?.file ?? '');
    expect(weights).toEqual({ file: join(directory, sha256(bytes)), digest: sha256(bytes) });
    expect(await readdir(directory)).toEqual([weights?.digest, 'net.onnx'].sort());
    expect(externalFiles(readModel(await readFile(file)))).toEqual([weights?.digest]);
    // Small constants stay where shape inference sees them, and each tensor starts at a page.
    expect((await stat(file)).size).toBeLessThan(2000);
    expect(bytes.length).toBeGreaterThan(WEIGHTS_BYTES);
    expect(bytes.length).toBeLessThan(WEIGHTS_BYTES + 4096);
    expect(await runModel(file, feeds)).toEqual(await runModel(product(), feeds));
  });
});

test('a model is split as it would be written, as often as it is asked', async () => {
  await withDirectory(async (directory) => {
    const from = join(directory, 'from.onnx');
    writeModelFile(product(), from, { externalData: 'always' });
    expect(splitModel(from)).toBeUndefined();
    const split = splitModel(from, { bytesMaximum: WEIGHTS_BYTES }) ?? expect.unreachable();
    const parts = [Buffer.concat([...split.graph.pieces()]), Buffer.concat([...split.weights.pieces()])] as const;
    expect(Buffer.concat([...split.weights.pieces()])).toEqual(parts[1]);
    split.close();
    const written = writeModelFiles(product(), join(directory, 'to.onnx'), 0);
    expect(parts).toEqual([await readFile(written.file), await readFile(written.weights?.file ?? '')]);
    expect(parts.map(({ length }) => length)).toEqual([split.graph.byteLength, split.weights.byteLength]);
    expect(split.weights.digest).toBe(sha256(parts[1]));
  });
});

test('a model of one file is split only if that is wanted, one without large tensors never', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'net.onnx');
    writeModelFile(product(), file);
    expect(splitModel(file, { bytesMaximum: 0 })).toBeUndefined();
    splitModel(file, { always: true })?.close();
    const small = modelOf({ nodes: [makeNode('Relu', ['x'], ['y'])], inputs: [port('x', [2])], outputs: [port('y', [2])] });
    writeModelFile(small, file);
    expect(() => splitModel(file, { always: true })).toThrow(expect.objectContaining({ code: 'no-weights' }));
    expect(writeModelFiles(small, file, 1)).toEqual({ file });
  });
});

test('equal weights have one name, other weights another', async () => {
  await withDirectory(async (directory) => {
    const { file, weights } = writeModelFiles(product(), join(directory, 'net.onnx'), 0);
    const opened = openModel(file, { externalDirectory: directory });
    const again = writeModelFiles(opened.model, join(directory, 'again.onnx'), 0);
    opened.close();
    expect(again.weights).toEqual(weights);
    expect(await readFile(again.file)).toEqual(await readFile(file));
    const other = product();
    other.graph.initializer[0] = makeTensor('w', 'float', [64, 70], goldenInput(9, 4480));
    expect(writeModelFiles(other, join(directory, 'other.onnx'), 0).weights?.digest).not.toBe(weights?.digest);
  });
});
