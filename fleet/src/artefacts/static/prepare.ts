import type { BuildRecipe } from '@starling/shared';
import { type OnnxModel, viewGraph } from '../onnx/index.ts';
import { constantNames, dropUnusedConstants } from './drop-unused.ts';
import { equaliseLayers } from './equalise.ts';
import { mergeResidualGates } from './rewrites/merge-residual-gates.ts';
import { replaceTransposedConvolutions } from './rewrites/replace-transposed-convolutions.ts';
import { sinkDepthToSpace } from './rewrites/sink-depth-to-space.ts';
import { splitHardSwishes } from './rewrites/split-hard-swishes.ts';
import { rulesOf } from './targets.ts';

/**
 * Writes parts of a float model in other operators of ONNX that compute the same and can be quantised better. Changes the model in place;
 * to be done before calibration, since values get other names.
 * @returns what it did, in words
 */
export function prepareForQuantising(model: OnnxModel, recipe: BuildRecipe): string[] {
  const view = viewGraph(model);
  const constants = constantNames(view);
  const notes: string[] = [];
  const count = (number: number, text: string): void => void (number > 0 && notes.push(`${number} ${text}`));
  count(splitHardSwishes(view), 'hard-swishes became products with a hard-sigmoid');
  count(mergeResidualGates(view), 'gates with a residual became one product');
  // TensorRT has int8 kernels of transposed convolutions and fuses activations by itself.
  if (rulesOf(recipe).reach === 'whole') {
    count(replaceTransposedConvolutions(view), 'transposed convolutions became convolutions of 1 x 1');
    count(sinkDepthToSpace(view), 'operators moved before a rearrangement of pixels');
  }
  dropUnusedConstants(view, constants);
  view.commit();
  if (recipe.equalise) count(equaliseLayers(model), 'pairs of layers were equalised');
  return notes;
}
