import { InferenceSession } from 'onnxruntime-node';
import type { FeedSource } from '../contracts.ts';
import { type OnnxModel, writeModel } from '../onnx/index.ts';

/** Value -> mean of each of its channels over the samples. Channels lie along axis 1 of pictures, and along the last axis of rows. */
export type ChannelMeans = ReadonlyMap<string, Float64Array>;

/** Values that are looked at in one run: all inputs of a model's products at once could be many times the model. */
const VALUES_PER_RUN = 24;

/** Runs a float model over samples. Memory: the values of one run and one sample. */
export async function measureChannelMeans(model: OnnxModel, values: readonly string[], samples: FeedSource): Promise<ChannelMeans> {
  const means = new Map<string, Float64Array>();
  for (let from = 0; from < values.length; from += VALUES_PER_RUN) {
    const some = values.slice(from, from + VALUES_PER_RUN);
    const session = await InferenceSession.create(withOutputs(model, some), { graphOptimizationLevel: 'basic', logSeverityLevel: 3 });
    try {
      let count = 0;
      for await (const feeds of samples.feeds()) {
        count += 1;
        const outputs = await session.run(
          feeds,
          some.filter((value) => session.outputNames.includes(value)),
        );
        for (const value of some) {
          const tensor = outputs[value] ?? feeds[value];
          if (tensor !== undefined) addMeans(means, value, tensor.data as Float32Array, tensor.dims, count);
        }
      }
    } finally {
      await session.release();
    }
  }
  return means;
}

function withOutputs(model: OnnxModel, values: readonly string[]): Uint8Array {
  const { graph } = model;
  const known = new Set([...graph.output, ...graph.input].map(({ name }) => name));
  const output = [...graph.output, ...values.filter((value) => !known.has(value)).map((name) => ({ name }))];
  return writeModel({ ...model, graph: { ...graph, output } });
}

/** Mean of means: each sample counts the same, whatever its size. */
function addMeans(means: Map<string, Float64Array>, value: string, data: Float32Array, dims: readonly number[], count: number): void {
  const axis = dims.length >= 3 ? 1 : dims.length - 1;
  const channels = dims[axis] ?? 1;
  const inner = dims.slice(axis + 1).reduce((product, side) => product * side, 1);
  const sums = new Float64Array(channels);
  for (let index = 0; index < data.length; index += 1) {
    const channel = Math.floor(index / inner) % channels;
    sums[channel] = (sums[channel] as number) + (data[index] as number);
  }
  const known = means.get(value) ?? new Float64Array(channels);
  for (let channel = 0; channel < channels; channel += 1) {
    const mean = ((sums[channel] as number) * channels) / data.length;
    known[channel] = (known[channel] as number) + (mean - (known[channel] as number)) / count;
  }
  means.set(value, known);
}
