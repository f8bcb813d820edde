import type { TensorPort } from '@starling/shared';
import { Tensor } from 'onnxruntime-node';
import { type Dataset, inputOf, readNpy, type Sample } from '../datasets/index.ts';
import type { FeedSource, Feeds } from './contracts.ts';

/**
 * Samples that are tensors already, as feeds.
 * @param field what to call the data set in errors
 * @param samplesMaximum the first so many are used
 */
export function tensorFeeds(dataset: Dataset, inputs: readonly TensorPort[], field: string, samplesMaximum: number): FeedSource {
  const samples = dataset.samples.slice(0, samplesMaximum);
  return {
    samples: samples.length,
    async *feeds() {
      for (const sample of samples) yield await feedsOf(sample, inputs, field);
    },
  };
}

async function feedsOf(sample: Sample, inputs: readonly TensorPort[], field: string): Promise<Feeds> {
  const feeds: Record<string, Tensor> = {};
  for (const [input, file] of Object.entries(sample.files)) {
    const { elementType, data, shape } = await readNpy(file, sample.name);
    feeds[inputOf(sample, input, inputs, field)] = new Tensor(elementType, data as never, shape);
  }
  return feeds;
}
