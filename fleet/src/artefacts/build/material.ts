import type { LayerReport, SearchStep, TensorPort } from '@starling/shared';
import type { BuiltResult } from '../build-messages.ts';
import type { Judge } from './judge.ts';
import type { SampleJob, Samples } from './samples.ts';

/** What a method starts from. */
export interface BuildMaterial {
  job: SampleJob;
  inputs: readonly TensorPort[];
  samples: Samples;
  judge: Judge;
}

/** What a method made: a file, and what it can say about it. */
export interface MethodResult {
  file: string;
  /** Its weights, if they are apart. */
  weights?: { file: string; digest: string };
  precision: BuiltResult['precision'];
  executionProviders: string[];
  quantisedTensors: number;
  layers?: LayerReport[];
  search?: SearchStep[];
  keptInFloat?: string[];
  notes: string[];
}
