import { StarlingError } from '@starling/shared';
import { freshName, isStandard, type NodeProto, type OnnxModel, toNumber } from '../../onnx/index.ts';
import { constantOf, replaceNodes, type Scope, takenNames, visitScopes } from '../scope.ts';
import type { UpgradeContext, ValueType } from './context.ts';
import { operatorUpgrades } from './operators.ts';

/** The newest opset that the table of upgrades reaches. */
export const OPSET_MAXIMUM = 21;

/** Opset -> the IR version that came with it (https://onnx.ai/onnx/, "Released versions"); a runtime may refuse an older one. */
const irVersions: readonly (readonly [opset: number, irVersion: number])[] = [
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [9, 4],
];

/** The opset of the operators of ONNX itself. */
export function opsetOf(model: OnnxModel): number {
  const standard = standardImport(model);
  return standard === undefined ? 0 : toNumber(standard.version);
}

function standardImport(model: OnnxModel): OnnxModel['opsetImport'][number] | undefined {
  return model.opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx');
}

/** Operators whose upgrade needs types or ranks, which only an inference over the whole graph knows. */
export function needsTypes(model: OnnxModel, opset: number): boolean {
  const from = opsetOf(model);
  let needed = false;
  visitScopes(model, ({ graph }) => {
    needed ||= graph.node.some(
      ({ opType }) =>
        (from < 13 && opset >= 13 && /^(Softmax|LogSoftmax|Hardmax)$/.test(opType)) ||
        (from < 11 && opset >= 11 && /^(Clip|Pad)$/.test(opType)),
    );
  });
  return needed;
}

/**
 * Brings a model to a newer opset; one that has it is left alone. Subgraphs are brought along.
 * @param types what is known of values; without it, float is assumed and Softmax is wrapped wherever its axis may not be the last
 * @returns how many nodes changed their form
 * @throws StarlingError `opset-upgrade-unsupported` naming the node; the model is then not to be used any more
 */
export function upgradeOpset(model: OnnxModel, opset: number, types: ReadonlyMap<string, ValueType> = new Map()): number {
  const from = opsetOf(model);
  if (from >= opset) return 0;
  refuseImpossible(model, from, opset);
  const taken = takenNames(model);
  let changed = 0;
  visitScopes(model, (scope) => {
    const context = contextOf(scope, taken, types);
    const replacements = new Map<NodeProto, NodeProto[]>();
    for (const node of scope.graph.node) {
      if (!isStandard(node)) continue;
      const steps = stepsOf(node, from, opset, context);
      if (steps === undefined) continue;
      replacements.set(node, steps);
      changed += 1;
    }
    replaceNodes(scope.graph, replacements);
  });
  for (const each of model.opsetImport) if (each === standardImport(model)) each.version = opset;
  const irVersion = irVersions.find(([since]) => opset >= since)?.[1] ?? 3;
  model.irVersion = Math.max(toNumber(model.irVersion), irVersion);
  return changed;
}

function refuseImpossible(model: OnnxModel, from: number, opset: number): void {
  if (opset > OPSET_MAXIMUM) {
    throw new StarlingError('opset-upgrade-unsupported', `opset ${opset} is newer than ${OPSET_MAXIMUM}`, {
      field: 'opset',
      hint: `choose an opset of at most ${OPSET_MAXIMUM}`,
    });
  }
  if (from < 7) {
    throw new StarlingError('opset-upgrade-unsupported', `the model has opset ${from}`, {
      field: 'model.opsetImport',
      hint: 'export it with opset 7 or newer',
    });
  }
  if ((model.functions ?? []).length > 0) {
    throw new StarlingError('opset-upgrade-unsupported', 'the model has functions of its own, which are bound to its opset', {
      field: 'model.functions',
      hint: 'export the model without functions (inlined), or with opset 13 or newer',
    });
  }
}

/** Takes a node through the opsets one by one; undefined if its form is the same in all. An upgrade may change the operator itself. */
function stepsOf(node: NodeProto, from: number, opset: number, context: UpgradeContext): NodeProto[] | undefined {
  let nodes = [node];
  let touched = false;
  for (let version = from + 1; version <= opset; version += 1) {
    const upgrade = operatorUpgrades[node.opType]?.[version];
    if (upgrade === undefined) continue;
    touched = true;
    const replaced = upgrade(node, context);
    if (replaced !== undefined) nodes = replaced;
  }
  return touched ? nodes : undefined;
}

function contextOf(scope: Scope, taken: Set<string>, types: ReadonlyMap<string, ValueType>): UpgradeContext {
  return {
    typeOf: (name) => (name === undefined ? undefined : types.get(name)),
    constantOf: (name) => constantOf(scope, name),
    isUsed: (name) => name !== undefined && name !== '' && (scope.outputs.has(name) || scope.readers.has(name)),
    freshName: (wanted) => freshName(taken, wanted),
    addConstant: (wanted, make) => {
      const name = freshName(taken, wanted);
      const tensor = make(name);
      scope.graph.initializer.push(tensor);
      scope.constants.set(name, tensor);
      return name;
    },
  };
}
