/** A model version's ONNX file -> checked, built for each target with golden outputs -> the artefact for a device, with the reason. */
export type { BuiltResult, Inspection, RecipeRequest } from './build-messages.ts';
export { type Builder, createBuilder } from './builder.ts';
export {
  type ChoiceDevice,
  type ChoiceModel,
  type Chooser,
  createChooser,
  explainChoice,
  type Measurement,
  type RankedChoice,
  refusalOf,
} from './choose/index.ts';
export { type OnnxModel, readModel, tensorRegionsOfFile, writeModel } from './onnx/index.ts';
export { type OptimiseOptions, type OptimiseReport, optimiseModel } from './optimise/index.ts';
