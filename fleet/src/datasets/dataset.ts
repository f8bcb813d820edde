/** `images` need a pipeline that turns them into inputs; `tensors` are inputs already. */
export type DatasetKind = 'images' | 'tensors';

/** Stands for the one input of a model where a sample is a single `.npy` file. */
export const ONLY_INPUT = '';

export interface Sample {
  /** As the data set names it: a file, or a folder with one file for each input. */
  name: string;
  /** Input -> path on disk. Images, and single tensors, stand under `ONLY_INPUT`. */
  files: Readonly<Record<string, string>>;
  /** What `labels.json` says about it; undefined without a label. */
  label: unknown;
}

/** An unpacked data set. Samples are ordered by name, so that equal archives give equal builds. */
export interface Dataset {
  kind: DatasetKind;
  samples: Sample[];
}
