/** A model and a recipe -> the model with its numbers in fewer bits, and what was changed. */
export { applyDynamicInt8, type DynamicOptions, quantiseDynamically } from './dynamic.ts';
export { applyFloat16, convertToFloat16 } from './fp16.ts';
export { applyInt4Weights, type Int4Options, quantiseToInt4 } from './int4-weights.ts';
export { applyInt8Weights, type QuantisedWeights, quantiseWeights } from './int8-weights.ts';
export { channelScales, quantiseChannels, roundHalfEven } from './per-channel.ts';
export { type PruneReport, pruneWeights } from './prune.ts';
