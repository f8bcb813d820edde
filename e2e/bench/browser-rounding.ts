/**
 * Lines of text as one device has cut them out -> how far the recogniser's answers are apart for rounding alone: the same inputs, bit for bit,
 * to ONNX Runtime for Node with the graph as it stands, and to its WebAssembly build, against ONNX Runtime for Node as the agent runs it.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { InferenceSession as WebSession, Tensor as WebTensor } from 'onnxruntime-web';
import { addDistance, type EdgeValues, noDistance } from './browser-edges.ts';
import type { Measure } from './result.ts';

const INPUT = 'line.tensor';
const OUTPUT = 'recognise.softmax_11.tmp_0';

export interface Rounding {
  add(reference: EdgeValues): Promise<void>;
  measures(): Measure[];
  close(): Promise<void>;
}

/** @param file the recogniser, as the device runs it */
export async function openRounding(file: string): Promise<Rounding> {
  const plain = await InferenceSession.create(file, { graphOptimizationLevel: 'disabled' });
  const web = await WebSession.create(file, { executionProviders: ['wasm'] });
  const runs = [
    {
      name: 'ONNX Runtime for Node, the graph as it stands',
      sum: noDistance(),
      run: async (numbers: Float32Array, shape: readonly number[]) =>
        plain.run({ [plain.inputNames[0] as string]: new Tensor('float32', numbers, shape) }),
    },
    {
      name: 'ONNX Runtime for WebAssembly',
      sum: noDistance(),
      run: async (numbers: Float32Array, shape: readonly number[]) =>
        web.run({ [web.inputNames[0] as string]: new WebTensor('float32', numbers, shape) }),
    },
  ];
  return {
    async add({ numbers }) {
      const inputs = numbers.filter(({ edge }) => edge === INPUT);
      const outputs = numbers.filter(({ edge }) => edge === OUTPUT);
      for (const [index, input] of inputs.entries()) {
        const expected = outputs[index];
        if (expected === undefined || !(input.numbers instanceof Float32Array)) continue;
        for (const { sum, run } of runs) {
          const [answer] = Object.values(await run(input.numbers, input.shape));
          const value = { edge: OUTPUT, shape: answer?.dims ?? [], numbers: (answer?.data ?? new Float32Array()) as Float32Array };
          addDistance(sum, { numbers: [value], texts: [] }, { numbers: [expected], texts: [] });
        }
      }
    },
    measures: () =>
      runs.flatMap(({ name, sum }) => {
        const what = `recogniser on equal inputs, ${name}, against the same for Node as it is run`;
        return [
          { name: `${what}: tensors outside the tolerance`, value: sum.outside, unit: `of ${sum.arrays}` },
          { name: `${what}: largest difference over the tolerance`, value: sum.worst, unit: 'x' },
        ];
      }),
    async close() {
      await plain.release();
      await web.release();
    },
  };
}
