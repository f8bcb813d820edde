/** What a source and an artefact answered to the same samples, and their labels -> the metric of both and what the artefact loses, as intervals. */
export { type AccuracyComparison, compareAccuracy, type EvaluationInput, type EvaluationSample } from './compare.ts';
export { similarityDb } from './similarity.ts';
