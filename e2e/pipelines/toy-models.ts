/** The toy models of Seldon Core 2's scenarios, written anew as ONNX: what they compute is stated there, the files are ours. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GraphSpec, type PortSpec, writeOnnx } from '../harness/onnx-file.ts';

const integers: PortSpec = { type: 'int32', shape: [1, 16] };
const floats: PortSpec = { type: 'float32', shape: [4] };
const some: PortSpec = { type: 'float32', shape: ['n'] };
const ten = { shape: [1], values: Float32Array.of(10) };

const graphs: Readonly<Record<string, GraphSpec>> = {
  /** Triton's example: OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1. */
  simple: {
    nodes: [
      { op: 'Add', inputs: ['INPUT0', 'INPUT1'], outputs: ['OUTPUT0'] },
      { op: 'Sub', inputs: ['INPUT0', 'INPUT1'], outputs: ['OUTPUT1'] },
    ],
    inputs: { INPUT0: integers, INPUT1: integers },
    outputs: { OUTPUT0: integers, OUTPUT1: integers },
  },
  add10: {
    nodes: [{ op: 'Add', inputs: ['INPUT', 'ten'], outputs: ['OUTPUT'] }],
    weights: { ten },
    inputs: { INPUT: floats },
    outputs: { OUTPUT: floats },
  },
  mul10: {
    nodes: [{ op: 'Mul', inputs: ['INPUT', 'ten'], outputs: ['OUTPUT'] }],
    weights: { ten },
    inputs: { INPUT: floats },
    outputs: { OUTPUT: floats },
  },
  /** Gives OUTPUT0 = INPUT0 where CHOICE is 0, else OUTPUT1 = INPUT1; the other output has no elements. */
  conditional: {
    nodes: [
      { op: 'Cast', inputs: ['CHOICE'], outputs: ['chosen'], attributes: { to: 9 } },
      { op: 'Not', inputs: ['chosen'], outputs: ['other'] },
      { op: 'Expand', inputs: ['chosen', 'four'], outputs: ['keep1'] },
      { op: 'Expand', inputs: ['other', 'four'], outputs: ['keep0'] },
      { op: 'Compress', inputs: ['INPUT0', 'keep0'], outputs: ['OUTPUT0'] },
      { op: 'Compress', inputs: ['INPUT1', 'keep1'], outputs: ['OUTPUT1'] },
    ],
    weights: { four: { shape: [1], values: BigInt64Array.of(4n) } },
    inputs: { CHOICE: { type: 'int32', shape: [1] }, INPUT0: floats, INPUT1: floats },
    outputs: { OUTPUT0: some, OUTPUT1: some },
  },
};

/** Model name -> file. */
export async function writeToyModels(folder: string): Promise<Record<string, { file: string; assets: Record<string, string> }>> {
  const files: Record<string, { file: string; assets: Record<string, string> }> = {};
  for (const [name, graph] of Object.entries(graphs)) {
    const file = join(folder, `${name}.onnx`);
    await writeFile(file, writeOnnx(graph));
    files[name] = { file, assets: {} };
  }
  return files;
}
