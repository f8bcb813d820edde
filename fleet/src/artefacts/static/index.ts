/** An optimised float model, a recipe and the ranges of its values -> the same model in int8 for a target, with what was done to each layer. */
export { type ChannelMeans, measureChannelMeans } from './channel-means.ts';
export { prepareForQuantising } from './prepare.ts';
export { calibratedEdges, completeRanges, productInputs, quantisedEdges, quantiseStatic } from './quantise-static.ts';
export { slimDown } from './slim-down.ts';
