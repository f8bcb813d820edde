import { type BuildRecipe, type LayerReport, StarlingError } from '@starling/shared';
import type { ChangeReport, Ranges } from '../contracts.ts';
import { isStandard, type OnnxModel, quantisationOf, toNumber, viewGraph } from '../onnx/index.ts';
import type { ChannelMeans } from './channel-means.ts';
import { derivableValues, withDerivedRanges } from './derive-ranges.ts';
import { constantNames, dropUnusedConstants } from './drop-unused.ts';
import { encodeValues } from './encode.ts';
import { insertQuantisation } from './insert.ts';
import { nameOf, type Selection, selectNodes } from './select.ts';
import { rulesOf } from './targets.ts';
import { type Trace, traceValues } from './trace.ts';

/** DequantizeLinear knows an axis from here on. */
const OPSET_MINIMUM = 13;

/**
 * Values whose ranges `quantiseStatic` needs, on the same model with the same recipe.
 * @throws StarlingError `opset-too-old`, `already-quantised`
 */
export function quantisedEdges(model: OnnxModel, recipe: BuildRecipe): string[] {
  return ownValues(traceModel(model, recipe));
}

/**
 * Those of them whose ranges have to be calibrated; the others follow from these, see `completeRanges`.
 * @throws StarlingError `opset-too-old`, `already-quantised`
 */
export function calibratedEdges(model: OnnxModel, recipe: BuildRecipe): string[] {
  const trace = traceModel(model, recipe);
  const derived = derivableValues(trace);
  return ownValues(trace).filter((value) => !derived.has(value));
}

/** Ranges of all `quantisedEdges` from those of the `calibratedEdges`. */
export function completeRanges(model: OnnxModel, recipe: BuildRecipe, ranges: Ranges): Ranges {
  return withDerivedRanges(traceModel(model, recipe), ranges);
}

function traceModel(model: OnnxModel, recipe: BuildRecipe): Trace {
  const rules = rulesOf(recipe);
  refuse(model);
  const view = viewGraph(model);
  view.commit();
  return traceValues(view, selectNodes(view, recipe.keepInFloat, rules), rules.reach === 'whole');
}

function ownValues({ origins }: Trace): string[] {
  return [...origins].filter(([, { kind }]) => kind === 'own').map(([value]) => value);
}

/** Values whose channel means the correction of biases needs. */
export function productInputs(model: OnnxModel, recipe: BuildRecipe): string[] {
  const view = viewGraph(model);
  const { roles } = selectNodes(view, recipe.keepInFloat, rulesOf(recipe));
  const products = [...roles].filter(([, role]) => role === 'product').map(([node]) => node);
  return [...new Set(products.filter(({ opType }) => opType !== 'MatMul').map(({ input: [first = ''] }) => first))];
}

/**
 * Writes a float model with QuantizeLinear and DequantizeLinear around what the target runs in int8. Changes the model in place.
 * @param means of `productInputs`, with which biases are corrected; without them they stay
 * @throws StarlingError `opset-too-old`, `already-quantised`, `range-missing`, `range-not-finite`, `weights-not-finite`
 */
export function quantiseStatic(model: OnnxModel, recipe: BuildRecipe, ranges: Ranges, means?: ChannelMeans): ChangeReport {
  const rules = rulesOf(recipe);
  refuse(model);
  const view = viewGraph(model);
  view.commit();
  const constants = constantNames(view);
  const selection = selectNodes(view, recipe.keepInFloat, rules);
  const trace = traceValues(view, selection, rules.reach === 'whole');
  const encodings = encodeValues(trace, ranges, rules);
  const layers = layersOf(selection);
  insertQuantisation(view, selection, encodings, rules, means);
  dropUnusedConstants(view, constants);
  view.commit();
  const dead = [...encodings].filter(([, { origin }]) => origin.kind === 'own').filter(([value]) => isDead(ranges, value));
  const quantisedLayers = layers.filter(({ inFloat }) => !inFloat).length;
  return {
    quantisedTensors: quantisedLayers,
    layers,
    notes: notesOf(
      selection,
      dead.map(([value]) => value),
    ),
  };
}

function isDead(ranges: Ranges, value: string): boolean {
  const range = ranges.get(value);
  return range !== undefined && range.minimum === 0 && range.maximum === 0;
}

function layersOf({ roles, inFloat }: Selection): LayerReport[] {
  const products = [...roles].filter(([, role]) => role === 'product').map(([node]) => node);
  const layer =
    (inFloatNow: boolean) =>
    (node: (typeof products)[number]): LayerReport => ({
      node: nameOf(node),
      operator: node.opType,
      signalToNoiseDb: null,
      inFloat: inFloatNow,
    });
  return [...products.map(layer(false)), ...[...inFloat.keys()].map(layer(true))];
}

/** Values that a message names. */
const NAMED_MAXIMUM = 5;

function notesOf({ roles, inFloat }: Selection, dead: readonly string[]): string[] {
  const notes: string[] = [];
  if (![...roles.values()].includes('product')) notes.push('the model has no convolution or matrix product that can be quantised');
  for (const reason of new Set(inFloat.values())) {
    const nodes = [...inFloat].filter(([, each]) => each === reason).map(([node]) => nameOf(node));
    notes.push(
      `${reason}: ${nodes.slice(0, NAMED_MAXIMUM).join(', ')}${nodes.length > NAMED_MAXIMUM ? ` and ${nodes.length - NAMED_MAXIMUM} more` : ''}`,
    );
  }
  if (dead.length > 0) notes.push(`${dead.length} values were 0 in every sample: ${dead.slice(0, NAMED_MAXIMUM).join(', ')}`);
  return notes;
}

function refuse(model: OnnxModel): void {
  const standard = model.opsetImport.find((each) => isStandard(each));
  const opset = standard === undefined ? 0 : toNumber(standard.version);
  const quantisation = quantisationOf(model);
  if (quantisation.operators.length > 0) {
    throw new StarlingError('already-quantised', `the model is quantised already: it uses ${quantisation.operators.join(', ')}`, {
      field: 'model',
      hint: 'push the model in float, or build it with the method "source"',
    });
  }
  if (opset < OPSET_MINIMUM) {
    throw new StarlingError('opset-too-old', `weights with a scale per channel need opset ${OPSET_MINIMUM}, the model has ${opset}`, {
      field: 'model.opsetImport',
      hint: 'bring the model to a newer opset first, as the optimiser does',
    });
  }
}
