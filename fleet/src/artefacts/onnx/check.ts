import { StarlingError } from '@starling/shared';
import { isStandard } from './attributes.ts';
import { dataLocation, type GraphProto, type ModelProto, type NodeProto, type TensorProto, tensorDataType } from './proto.ts';
import { describeNode, sortNodes } from './sort.ts';
import { nodesOf, subgraphsOf, tensorsOf } from './subgraphs.ts';
import { externalMissing, floatsOf, sizeOf } from './tensor.ts';

export interface ModelCheck {
  /** Nothing that keeps the model from running, but worth a look. */
  warnings: string[];
  /** Operators in use, those of other domains as `domain:Name`. */
  operators: string[];
}

/** Domains with operators that ONNX Runtime brings itself. */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft', 'com.microsoft.nchwc']);

/**
 * Checks what would make a runtime, or a change of the model, fail in an obscure way. Linear in the size of the graph; does not read
 * the data of tensors.
 * @throws StarlingError `duplicate-name`, `dangling-input`, `dangling-output`, `cyclic-graph`, `dynamic-rank`, `custom-operator`,
 * `opset-missing`, `external-data-missing`, `tensor-shape`
 */
export function checkModel(model: ModelProto & { graph: GraphProto }): ModelCheck {
  const warnings: string[] = [];
  checkOperators(model);
  for (const tensor of tensorsOf(model)) {
    if (tensor.dataLocation === dataLocation.external) throw externalMissing(tensor);
    sizeOf(tensor);
  }
  checkRanks(model.graph);
  checkScope(model.graph, undefined, warnings);
  warnRepeatedNodes(model.graph, warnings);
  return { warnings, operators: operatorsOf(model) };
}

/** Operators in use, those of other domains than ONNX's own as `domain:Name`. */
export function operatorsOf(model: ModelProto): string[] {
  const operators = new Set<string>();
  for (const node of nodesOf(model)) operators.add(isStandard(node) ? node.opType : `${node.domain}:${node.opType}`);
  return [...operators].sort();
}

function checkOperators(model: ModelProto): void {
  const functions = new Set((model.functions ?? []).map(({ domain, name }) => `${domain ?? ''}:${name}`));
  const imported = new Set(model.opsetImport.map(({ domain }) => (domain === 'ai.onnx' ? '' : (domain ?? ''))));
  for (const node of nodesOf(model)) {
    const domain = isStandard(node) ? '' : (node.domain ?? '');
    if (functions.has(`${domain}:${node.opType}`)) continue;
    if (!KNOWN_DOMAINS.has(domain)) {
      throw new StarlingError('custom-operator', `the node "${describeNode(node)}" needs ${domain}:${node.opType}`, {
        field: `model.graph.node.${describeNode(node)}`,
        hint: `operators of the domain ${domain} are not part of ONNX Runtime: export the model with operators of ONNX`,
      });
    }
    if (!imported.has(domain)) {
      throw new StarlingError('opset-missing', `the model uses ${node.opType} but imports no operators of "${domain}"`, {
        field: 'model.opsetImport',
        hint: 'export the model again: its list of operator sets is not complete',
      });
    }
  }
}

/** Inputs whose number of axes is open: nothing can be prepared for them. */
function checkRanks({ input, initializer }: GraphProto): void {
  const defaults = new Set(initializer.map(({ name }) => name));
  for (const { name, type } of input) {
    const tensor = type?.tensorType;
    if (tensor === undefined || tensor === null || defaults.has(name)) continue;
    if (tensor.shape !== undefined && tensor.shape !== null) continue;
    throw new StarlingError('dynamic-rank', `the input "${name}" has no shape, not even a number of axes`, {
      field: `model.graph.input.${name}`,
      hint: 'export the model with a shape for each input; single sides may stay free',
    });
  }
}

interface Scope {
  names: ReadonlySet<string>;
  outer: Scope | undefined;
}

function checkScope(graph: GraphProto, outer: Scope | undefined, warnings: string[]): void {
  const names = defineNames(graph);
  const scope: Scope = { names, outer };
  for (const node of graph.node) {
    for (const name of node.input) if (name !== '' && !isDefined(name, scope)) throw dangling(name, node);
    for (const inner of subgraphsOf(node)) checkScope(inner, scope, warnings);
  }
  for (const { name } of graph.output) {
    if (isDefined(name, scope)) continue;
    throw new StarlingError('dangling-output', `nothing makes the output "${name}"`, {
      field: `model.graph.output.${name}`,
      hint: 'export the model again: a part of its graph is missing',
    });
  }
  const sorted = sortNodes(graph.node);
  if (sorted.some((node, index) => node !== graph.node[index])) warnings.push(`the nodes of "${graph.name ?? ''}" are not in order`);
}

/** Names that the graph defines, each of them once. */
function defineNames(graph: GraphProto): Set<string> {
  const names = new Set<string>();
  const inputs = new Set<string>();
  const define = (name: string, what: string): void => {
    if (names.has(name)) throw repeated(name, what);
    names.add(name);
  };
  for (const { name } of graph.input) {
    if (inputs.has(name)) throw repeated(name, 'two inputs');
    inputs.add(name);
  }
  // An initialiser may share its name with an input, of which it then is the default.
  for (const { name } of graph.initializer) define(name ?? '', 'two constants');
  for (const { values } of graph.sparseInitializer ?? []) define(values?.name ?? '', 'two constants');
  for (const name of inputs) names.add(name);
  for (const node of graph.node) {
    for (const name of node.output) if (name !== '') define(name, `the node "${describeNode(node)}" and something before it`);
  }
  return names;
}

function repeated(name: string, what: string): StarlingError {
  return new StarlingError('duplicate-name', `"${name}" is the name of ${what}`, {
    field: `model.graph.${name}`,
    hint: 'each value of a graph has a name of its own: export the model again',
  });
}

function isDefined(name: string, scope: Scope): boolean {
  for (let each: Scope | undefined = scope; each !== undefined; each = each.outer) if (each.names.has(name)) return true;
  return false;
}

function dangling(name: string, node: NodeProto): StarlingError {
  return new StarlingError('dangling-input', `the node "${describeNode(node)}" reads "${name}", which nothing makes`, {
    field: `model.graph.node.${describeNode(node)}`,
    hint: 'export the model again: a part of its graph is missing',
  });
}

function warnRepeatedNodes(graph: GraphProto, warnings: string[]): void {
  const names = new Set<string>();
  for (const { name } of graph.node) {
    if (name === undefined || name === '') continue;
    if (names.has(name)) warnings.push(`several nodes have the name "${name}"`);
    names.add(name);
  }
}

export interface NonFiniteTensor {
  name: string;
  notNumbers: number;
  infinities: number;
}

/** Tensors of floats with NaN or infinities among their values. Reads all data, one tensor at a time. */
export function nonFiniteTensors(model: ModelProto): NonFiniteTensor[] {
  const found: NonFiniteTensor[] = [];
  for (const tensor of tensorsOf(model)) {
    if (!FLOATING.has(tensor.dataType)) continue;
    const { notNumbers, infinities } = countNonFinite(tensor);
    if (notNumbers + infinities > 0) found.push({ name: tensor.name ?? '', notNumbers, infinities });
  }
  return found;
}

const FLOATING: ReadonlySet<number> = new Set([
  tensorDataType.float,
  tensorDataType.double,
  tensorDataType.float16,
  tensorDataType.bfloat16,
]);

function countNonFinite(tensor: TensorProto): { notNumbers: number; infinities: number } {
  let notNumbers = 0;
  let infinities = 0;
  // A double beyond the range of a float counts as infinite: it becomes so in every kernel that Starling builds for.
  for (const value of floatsOf(tensor)) {
    if (Number.isNaN(value)) notNumbers += 1;
    else if (!Number.isFinite(value)) infinities += 1;
  }
  return { notNumbers, infinities };
}

/**
 * Refuses NaN anywhere in a model's constants. Infinities are left to those who use them: a mask for attention is made of them.
 * @throws StarlingError `non-finite-weights`
 */
export function refuseNotNumbers(found: readonly NonFiniteTensor[]): void {
  const broken = found.find(({ notNumbers }) => notNumbers > 0);
  if (broken === undefined) return;
  throw new StarlingError('non-finite-weights', `the tensor "${broken.name}" holds NaN, ${broken.notNumbers} times`, {
    field: `model.graph.initializer.${broken.name}`,
    hint: 'the training diverged or the export failed: take an earlier checkpoint',
  });
}

const QUANTISING =
  /^(Quantize|Dequantize|DynamicQuantize)Linear$|^QLinear|^(MatMul|Conv)Integer|^MatMul(NBits|Integer|IntegerToFloat|Bnb4|FpQ4)|^QGemm$|^QAttention$|^QMoE$/;

export interface Quantisation {
  quantised: boolean;
  /** The operators that say so. */
  operators: string[];
}

/** Whether a model is quantised already: doing it again would only add error. */
export function quantisationOf(model: ModelProto): Quantisation {
  const operators = operatorsOf(model).filter((name) => QUANTISING.test(name.slice(name.indexOf(':') + 1)));
  return { quantised: operators.length > 0, operators };
}
