import type { BuildRecipe, Interval, LayerReport, SearchStep } from '@starling/shared';
import type { Tensor } from 'onnxruntime-node';
import type { OnnxModel } from './onnx/index.ts';

/** One run's inputs of a model, by input name. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** Samples as model inputs. Each iteration starts from the first; one sample is in memory at a time. */
export interface FeedSource {
  readonly samples: number;
  feeds(): AsyncIterable<Feeds>;
}

/** Where the values of a tensor lay over the calibration samples; what a scale is made of. */
export interface ValueRange {
  minimum: number;
  maximum: number;
}
/** Value name -> range. */
export type Ranges = ReadonlyMap<string, ValueRange>;

/** What a change of a model did, for the log and the report of a build. */
export interface ChangeReport {
  /** Tensors that are stored or computed in the new precision. */
  quantisedTensors: number;
  layers: LayerReport[];
  notes: string[];
}

/** A method: changes the model in place. */
export type ApplyRecipe = (model: OnnxModel, recipe: BuildRecipe, ranges: Ranges) => ChangeReport;

/** Loss of a model file against its source on the evaluation set, in points of the metric. */
export type JudgeLoss = (file: string) => Promise<Interval>;

export interface SearchResult {
  keptInFloat: string[];
  loss: Interval;
  steps: SearchStep[];
}
