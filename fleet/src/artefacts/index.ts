/** A model version's ONNX file -> checked, built for each target with golden outputs -> the artefact for a device, with the reason. */
export type { BuiltArtefact, Inspection } from './build-messages.ts';
export { type Builder, createBuilder } from './builder.ts';
export { type ChoiceInput, chooseArtefact, ERROR_BUDGET } from './choose.ts';
export { type OnnxModel, readModel, tensorRegionsOfFile, writeModel } from './onnx/index.ts';
export { type OptimiseOptions, type OptimiseReport, optimiseModel } from './optimise/index.ts';
