import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { goldenInput, isStarlingError } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeNode, textOf } from './attributes.ts';
import { externalFiles } from './external-data.ts';
import { modelType, type NodeProto, tensorDataType } from './proto.ts';
import { type OnnxModel, openModel, readModel } from './read.ts';
import { tensorRegionsOfFile } from './regions.ts';
import { graphOf, modelOf, port, runModel } from './small-models.ts';
import { denseOf } from './sparse.ts';
import { tensorsOf } from './subgraphs.ts';
import { withDirectory } from './temporary-directory.ts';
import { floatsOf, makeTensor, valuesOf } from './tensor.ts';
import { writeModel, writeModelFile } from './write.ts';

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
    return undefined;
  } catch (error) {
    return isStarlingError(error) ? error.code : `not a StarlingError: ${String(error)}`;
  }
};

const weights = (length: number, seed = 3): Float32Array => goldenInput(seed, length);
const inputs = [port('x', [2, 64])];
const outputs = [port('y', [2, 64])];

/** y = relu(x * w), w of 16 KB. */
function product(opset = 17): OnnxModel {
  const nodes = [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('Relu', ['m'], ['y'])];
  return modelOf({ nodes, constants: [makeTensor('w', 'float', [64, 64], weights(4096))], inputs, outputs }, { opset });
}

/** y = if sum(x) > 0 then x * w (w of this graph) else x * v (v of the branch). */
function branching(): OnnxModel {
  const then = graphOf({ nodes: [makeNode('MatMul', ['x', 'w'], ['t'])], outputs: [port('t', [2, 64])] });
  const v = makeTensor('v', 'float', [64, 64], weights(4096, 4));
  const otherwise = graphOf({ nodes: [makeNode('MatMul', ['x', 'v'], ['e'])], constants: [v], outputs: [port('e', [2, 64])] });
  return modelOf({
    nodes: [
      makeNode('ReduceSum', ['x'], ['sum'], { attributes: { keepdims: { int: 0 } } }),
      makeNode('Constant', [], ['zero'], { attributes: { value: { tensor: makeTensor('zero', 'float', [], [0]) } } }),
      makeNode('Less', ['sum', 'zero'], ['negative']),
      makeNode('If', ['negative'], ['y'], { attributes: { then_branch: { graph: then }, else_branch: { graph: otherwise } } }),
    ],
    constants: [makeTensor('w', 'float', [64, 64], weights(4096))],
    inputs,
    outputs,
  });
}

/** y = x, times w three times over in a loop, with w of a Constant node. */
function looping(opset: number): OnnxModel {
  const body = graphOf({
    nodes: [makeNode('MatMul', ['state', 'w'], ['next']), makeNode('Identity', ['go'], ['go_on'])],
    inputs: [port('i', [], 'int64'), port('go', [], 'bool'), port('state', [2, 64])],
    outputs: [port('go_on', [], 'bool'), port('next', [2, 64])],
  });
  return modelOf(
    {
      nodes: [
        makeNode('Constant', [], ['w'], { attributes: { value: { tensor: makeTensor('', 'float', [64, 64], weights(4096)) } } }),
        makeNode('Loop', ['trips', 'true', 'x'], ['y'], { attributes: { body: { graph: body } } }),
      ],
      constants: [makeTensor('trips', 'int64', [], [3]), makeTensor('true', 'bool', [], [1])],
      inputs,
      outputs,
    },
    { opset },
  );
}

function sparse(): OnnxModel {
  const model = product();
  const values = makeTensor('w', 'float', [3], [1, 2, 3]);
  model.graph.initializer = [];
  model.graph.sparseInitializer = [{ values, indices: makeTensor('', 'int64', [3], [0, 65, 4095]), dims: [64, 64] }];
  return model;
}

const models: [string, OnnxModel][] = [
  ...[7, 9, 11, 13, 17, 21].map((opset): [string, OnnxModel] => [`opset ${opset}`, product(opset)]),
  ...[11, 13, 21].map((opset): [string, OnnxModel] => [`a loop, opset ${opset}`, looping(opset)]),
  ['branches', branching()],
  ['a sparse initialiser', sparse()],
];

describe.each(models)('a model with %s', (_name, model) => {
  test('means the same after every way of reading and writing it', async () => {
    const source = modelType.encode(model as never).finish();
    const feeds = { x: [2, 64] };
    const expected = await runModel(source, feeds);
    expect(await runModel(writeModel(readModel(source)), feeds)).toEqual(expected);
    await withDirectory(async (directory) => {
      const [from, to, apart] = ['from.onnx', 'to.onnx', 'apart.onnx'].map((name) => join(directory, name)) as [string, string, string];
      await writeFile(from, source);
      const opened = openModel(from);
      writeModelFile(opened.model, to);
      writeModelFile(opened.model, apart, { externalData: 'always' });
      opened.close();
      expect(await runModel(to, feeds)).toEqual(expected);
      expect(await runModel(apart, feeds)).toEqual(expected);
      const joined = openModel(apart, { externalDirectory: directory });
      expect(await runModel(writeModel(joined.model), feeds)).toEqual(expected);
      joined.close();
    });
  });
});

describe('a file', () => {
  test('keeps its large tensors until they are asked for, wherever they are', async () => {
    for (const make of [product, branching, () => looping(13)]) {
      await withDirectory(async (directory) => {
        const file = join(directory, 'm.onnx');
        writeModelFile(make(), file);
        const { model, close } = openModel(file);
        const sizes = [...tensorsOf(model)].map(({ payload }) => payload?.byteLength);
        expect(sizes.filter((size) => size !== undefined)).toEqual(make === branching ? [16_384, 16_384] : [16_384]);
        close();
      });
    }
  });

  test('can be written over while it is read', async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'm.onnx');
      writeModelFile(product(), file);
      const { model, close } = openModel(file);
      model.docString = 'changed';
      writeModelFile(model, file);
      close();
      const again = readModel(await readFile(file));
      expect(again.docString).toBe('changed');
      expect(floatsOf(again.graph.initializer[0] as never)).toEqual(weights(4096));
    });
  });

  test('keeps what nobody here reads: unknown fields, documents, training, metadata', async () => {
    const model = product();
    Object.assign(model, { docString: 'd', metadataProps: [{ key: 'k', value: 'v' }], trainingInfo: [{ algorithm: { name: 'a' } }] });
    model.graph.valueInfo = [port('m', [2, 64])];
    model.graph.quantizationAnnotation = [{ tensorName: 'm', quantParameterTensorNames: [{ key: 'SCALE_TENSOR', value: 's' }] }];
    const node = model.graph.node[0] as NodeProto;
    Object.assign(node, { docString: 'n', overload: 'o' });
    // Field 900, a text, in the model: onnx.proto has none of that number.
    const unknown = Buffer.from('a23803616263', 'hex');
    const source = Buffer.concat([modelBytes(model), unknown]);
    await withDirectory(async (directory) => {
      const file = join(directory, 'm.onnx');
      await writeFile(file, source);
      const { model: lazy, close } = openModel(file);
      for (const each of [lazy, readModel(source)]) {
        const bytes = Buffer.from(writeModel(each));
        expect(bytes.includes(unknown)).toBe(true);
        const again = readModel(bytes);
        expect(again).toMatchObject({
          docString: 'd',
          metadataProps: [{ key: 'k', value: 'v' }],
          trainingInfo: [{ algorithm: { name: 'a' } }],
        });
        expect(again.graph.node[0]).toMatchObject({ docString: 'n', overload: 'o' });
        expect(again.graph.valueInfo?.[0]?.name).toBe('m');
        expect(again.graph.quantizationAnnotation?.[0]?.tensorName).toBe('m');
      }
      close();
    });
  });

  test('gives the same model lazily as at once, for any cut of sizes', async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'm.onnx');
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 6 }), fc.boolean(), async (sizes, typed) => {
          const model = product();
          for (const [index, size] of sizes.entries()) {
            const values = weights(size, index);
            if (typed) model.graph.initializer.push({ name: `t${index}`, dims: [size], dataType: 1, floatData: [...values] });
            else model.graph.initializer.push(makeTensor(`t${index}`, 'float', [size], values));
          }
          const source = modelBytes(model);
          await writeFile(file, source);
          const { model: lazy, close } = openModel(file);
          const eager = readModel(source);
          expect(lazy.graph.initializer.map(floatsOf)).toEqual(eager.graph.initializer.map(floatsOf));
          expect(readModel(writeModel(lazy)).graph.node).toEqual(eager.graph.node);
          close();
        }),
        { numRuns: 15 },
      );
    });
  });

  test('that is cut or no model is refused with the reason', async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'm.onnx');
      writeModelFile(product(), file);
      await truncate(file, 10_000);
      expect(codeOf(() => openModel(file))).toBe('onnx-truncated');
      await writeFile(file, 'this is no model, but a text of some length');
      expect(codeOf(() => openModel(file))).toBe('not-onnx');
      await writeFile(file, new Uint8Array());
      expect(codeOf(() => openModel(file))).toBe('not-onnx');
      await writeFile(file, Buffer.from(weights(20_000).buffer));
      expect(['not-onnx', 'onnx-truncated']).toContain(codeOf(() => openModel(file)));
    });
  });

  test('has its tensors as regions, each with the bytes of its data', async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'm.onnx');
      for (const make of [product, branching, () => looping(13)]) {
        writeModelFile(make(), file);
        const bytes = await readFile(file);
        const [first] = tensorRegionsOfFile(file);
        expect(first?.length).toBe(16_384);
        expect(bytes.includes(bytes.subarray(first?.offset, 16_384))).toBe(true);
        expect(Buffer.from(bytes.subarray(first?.offset, (first?.offset ?? 0) + 8))).toEqual(
          Buffer.from(weights(4096, make === branching ? 4 : 3).buffer, 0, 8),
        );
      }
    });
  });
});

function modelBytes(model: object): Buffer {
  return Buffer.from(modelType.encode(model as never).finish());
}

describe('external data', () => {
  const pointing = (entries: Record<string, string>): OnnxModel => {
    const model = product();
    model.graph.initializer = [
      {
        name: 'w',
        dims: [64, 64],
        dataType: tensorDataType.float,
        dataLocation: 1,
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      },
    ];
    return model;
  };

  test.each([
    ['../secret', 'external-data-path'],
    ['a/../../secret', 'external-data-path'],
    ['/etc/passwd', 'external-data-path'],
    ['C:\\secret', 'external-data-path'],
    ['..\\secret', 'external-data-path'],
    ['', 'external-data-path'],
    ['link', 'external-data-path'],
    ['linked/secret', 'external-data-path'],
    ['folder', 'external-data-corrupt'],
    ['absent', 'external-data-missing'],
  ])('at "%s" is refused', async (location, code) => {
    await withDirectory(async (outer) => {
      const directory = join(outer, 'model');
      await mkdir(join(directory, 'folder'), { recursive: true });
      await writeFile(join(outer, 'secret'), new Uint8Array(16_384));
      await symlink(join(outer, 'secret'), join(directory, 'link'));
      await symlink(outer, join(directory, 'linked'));
      const file = join(directory, 'm.onnx');
      writeModelFile(pointing({ location }), file);
      expect(codeOf(() => openModel(file, { externalDirectory: directory }))).toBe(code);
    });
  });

  test.each([
    [{ offset: '1' }, 'external-data-corrupt'],
    [{ offset: '-4' }, 'external-data-corrupt'],
    [{ offset: '99999999999999999999' }, 'external-data-corrupt'],
    [{ length: '16380' }, 'external-data-corrupt'],
    [{ length: 'all' }, 'external-data-corrupt'],
    [{ checksum: 'a'.repeat(40) }, 'external-data-corrupt'],
    [{ offset: '0', length: '16384' }, undefined],
  ])('with %j is judged', async (entries, code) => {
    await withDirectory(async (directory) => {
      await writeFile(join(directory, 'w.bin'), Buffer.from(weights(4096).buffer));
      const file = join(directory, 'm.onnx');
      writeModelFile(pointing({ location: 'w.bin', ...(entries as Record<string, string>) }), file);
      expect(codeOf(() => openModel(file, { externalDirectory: directory }).close())).toBe(code);
    });
  });

  test('is read where it lies, and its checksum is honoured', async () => {
    await withDirectory(async (directory) => {
      const data = Buffer.concat([Buffer.alloc(4096), Buffer.from(weights(4096).buffer)]);
      await mkdir(join(directory, 'data'));
      await writeFile(join(directory, 'data', 'w.bin'), data);
      const file = join(directory, 'm.onnx');
      const checksum = createHash('sha1').update(data).digest('hex');
      writeModelFile(pointing({ location: 'data/w.bin', offset: '4096', checksum }), file);
      const closed = openModel(file);
      expect(externalFiles(closed.model)).toEqual(['data/w.bin']);
      expect(codeOf(() => valuesOf(closed.model.graph.initializer[0] as never))).toBe('external-data-missing');
      closed.close();
      const { model, close } = openModel(file, { externalDirectory: directory });
      expect(floatsOf(model.graph.initializer[0] as never)).toEqual(weights(4096));
      expect(await runModel(model, { x: [2, 64] })).toEqual(await runModel(product(), { x: [2, 64] }));
      close();
    });
  });
});

describe('a sparse tensor', () => {
  test('becomes dense from positions and from coordinates', () => {
    const values = makeTensor('s', 'int32', [2], [5, -7]);
    const flat = denseOf({ values, indices: makeTensor('', 'int64', [2], [1, 5]), dims: [2, 3] });
    const coordinates = denseOf({ values, indices: makeTensor('', 'int64', [2, 2], [0, 1, 1, 2]), dims: [2, 3] });
    expect([...(valuesOf(flat) as Int32Array)]).toEqual([0, 5, 0, 0, 0, -7]);
    expect(coordinates).toEqual(flat);
    expect(flat.name).toBe('s');
  });

  test.each([
    [makeTensor('', 'int64', [2], [1, 6])],
    [makeTensor('', 'int64', [2], [-1, 0])],
    [makeTensor('', 'int64', [1], [1])],
    [makeTensor('', 'int64', [2, 2], [0, 3, 0, 0])],
  ])('with indices that do not fit is refused', (indices) => {
    expect(codeOf(() => denseOf({ values: makeTensor('s', 'int32', [2], [5, -7]), indices, dims: [2, 3] }))).toBe('sparse-tensor');
  });
});

test('every kind of attribute survives', async () => {
  const node = makeNode('Anything', ['x'], ['y'], {
    attributes: {
      a: { int: -(2n ** 63n) },
      b: { ints: [1, 2n ** 62n] },
      c: { float: 0 },
      d: { floats: [1.5, 2] },
      e: { string: 'ä' },
      f: { strings: ['a', ''] },
      g: { tensor: makeTensor('t', 'int8', [1], [1]) },
      h: { graphs: [graphOf({ nodes: [makeNode('Relu', ['x'], ['z'])], outputs: [port('z', [1])] })] },
    },
  });
  const model = modelOf({ nodes: [node], inputs, outputs });
  const again = readModel(writeModel(model)).graph.node[0] as NodeProto;
  expect(textOf(again, 'e')).toBe('ä');
  expect(modelBytes(readModel(writeModel(model)))).toEqual(modelBytes(model));
  expect(String(again.attribute[0]?.i)).toBe(String(-(2n ** 63n)));
  expect(again.attribute[1]?.ints?.map(String)).toEqual(['1', String(2n ** 62n)]);
});
