import type { OnnxModel } from '../onnx/index.ts';
import { fixDimensions } from './fix-dimensions.ts';
import { foldAffine } from './fold-affine.ts';
import { foldConstants } from './fold-constants.ts';
import { foldForward } from './fold-forward.ts';
import { inferTypes } from './infer-types.ts';
import { liftConstants } from './lift-constants.ts';
import { recogniseActivations } from './recognise-activations.ts';
import { mergeInitialisers, removeDead } from './remove-dead.ts';
import { needsTypes, opsetOf, upgradeOpset } from './upgrade/upgrade-opset.ts';

/** HardSwish and LayerNormalization exist, per-channel DequantizeLinear too, and every runtime of the last years has it. */
const OPSET_DEFAULT = 17;
/** What a model of newer form may stay at where it cannot be brought further. */
const OPSET_SUFFICIENT = 13;

export interface OptimiseOptions {
  /** Input -> shape that the pipeline pins. */
  fixedShapes?: Readonly<Record<string, readonly number[]>>;
  /** The least opset that the model must have afterwards; if not given, 17 where that is possible. */
  opset?: number;
}

export interface OptimiseReport {
  /** What a person should know: what was done, and what was left and why. */
  notes: string[];
  /** Pass -> what it changed. */
  counts: Record<string, number>;
}

/**
 * Makes the graph of a model simpler without changing what it computes; the result runs wherever ONNX of its opset runs. Changes the
 * model in place.
 * @throws StarlingError `opset-upgrade-unsupported`, `unknown-input`, `shape-mismatch`, `invalid-model`; the model is then half done
 */
export async function optimiseModel(model: OnnxModel, { fixedShapes = {}, opset }: OptimiseOptions = {}): Promise<OptimiseReport> {
  const notes: string[] = [];
  const counts: Record<string, number> = {};
  counts['liftedConstants'] = liftConstants(model);
  counts['fixedDimensions'] = fixDimensions(model, fixedShapes);
  counts['upgradedNodes'] = await upgrade(model, opset, notes);
  // Before ONNX Runtime folds, so that weights keep their names, and after, when more is constant.
  const patterns = [foldPatterns(model)];
  const before = model.graph.node.length;
  const obstacle = await foldConstants(model);
  if (obstacle !== undefined) notes.push(obstacle);
  counts['foldedNodes'] = before - model.graph.node.length;
  liftConstants(model);
  patterns.push(foldPatterns(model));
  for (const found of patterns) for (const [pass, count] of Object.entries(found)) counts[pass] = (counts[pass] ?? 0) + count;
  const dead = removeDead(model);
  return {
    notes,
    counts: { ...counts, deadNodes: dead.nodes, deadInitialisers: dead.initialisers, mergedInitialisers: mergeInitialisers(model) },
  };
}

function foldPatterns(model: OnnxModel): Record<string, number> {
  const { hardSwishes, hardSigmoids } = recogniseActivations(model);
  const { batchNormalisations, factorsAndSummands } = foldAffine(model);
  const forward = foldForward(model);
  return {
    hardSwishes,
    hardSigmoids,
    foldedBatchNormalisations: batchNormalisations,
    foldedFactorsAndSummands: factorsAndSummands + forward,
  };
}

async function upgrade(model: OnnxModel, wanted: number | undefined, notes: string[]): Promise<number> {
  const from = opsetOf(model);
  const opset = wanted ?? OPSET_DEFAULT;
  if (from >= opset) return 0;
  if (wanted === undefined && from >= OPSET_SUFFICIENT && (model.functions ?? []).length > 0) {
    notes.push(`the opset stays ${from}: the model has functions of its own, which are bound to it`);
    return 0;
  }
  const changed = upgradeOpset(model, opset, needsTypes(model, opset) ? await inferTypes(model) : undefined);
  notes.push(`opset ${from} became ${opset}`);
  return changed;
}
