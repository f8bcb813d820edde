/** Zip archives of samples -> checked when a version is drafted -> in the builder, files and tensors in a fixed order. */
export { checkDataset, type DatasetSummary } from './check-dataset.ts';
export type { Dataset, Sample } from './dataset.ts';
export { inputOf, requireSamplesFit } from './fit-samples.ts';
export { type NpyTensor, readNpy } from './npy.ts';
export { openDataset } from './open-dataset.ts';
