import { z } from 'zod';
import type { TensorPort } from '../../documents/model-version.ts';
import type { ModelNode, ParameterValues, PipelineNode, PipelineReferenceNode } from '../../documents/pipeline.ts';
import { isStarlingError, messageOf } from '../../errors.ts';
import { checkExpression } from '../expressions.ts';
import { wordsOfIssue } from '../issue-words.ts';
import { nearestName, suggest } from '../nearest-name.ts';
import { checkParameterValues, substitute } from '../parameters.ts';
import { type PortType, parsePortType } from '../port-types.ts';
import type { ExpressionPlace, PortTexts } from '../signature.ts';
import type { CheckedGraph, NodePorts } from './graph-context.ts';

type Types = Map<string, PortType | undefined>;

const none: ReadonlySet<string> = new Set();

/** The ports that a node has, by what it is; undefined where that cannot be told, which was then reported. */
export function portsOfNode(checked: CheckedGraph, name: string, node: PipelineNode): NodePorts | undefined {
  const declared = declaredPorts(checked, name, node);
  if (declared === undefined || 'source' in node || 'sink' in node) return declared;
  const outputs: Types = new Map();
  for (const [port, type] of declared.outputs) outputs.set(port, node.each && type !== undefined ? { kind: 'list', item: type } : type);
  // What a failure of the node gives, whatever else it gives.
  if (!outputs.has('error')) outputs.set('error', { kind: 'json' });
  return { ...declared, outputs };
}

function declaredPorts(checked: CheckedGraph, name: string, node: PipelineNode): NodePorts | undefined {
  if ('op' in node) return portsByParams(checked, name, node, { kind: 'op', known: checked.context.operators });
  if ('source' in node) return portsByParams(checked, name, node, { kind: 'source', known: checked.context.sources });
  if ('sink' in node) return portsByParams(checked, name, node, { kind: 'sink', known: checked.context.sinks });
  if ('model' in node) return portsOfModel(checked, name, node);
  if ('pipeline' in node) return portsOfInner(checked, name, node);
  const { inputs, outputs } = node.script;
  withParameters(checked, name, node.params);
  return {
    inputs: parsePorts(checked, inputs, name, `nodes.${name}.script.inputs`),
    outputs: parsePorts(checked, outputs, name, `nodes.${name}.script.outputs`),
    ...{ optional: none, mayStayAway: none, own: none },
  };
}

/** Reads declared types, each in the scope of its owner. */
export function parsePorts(checked: CheckedGraph, declared: PortTexts, owner: string, field: string, variables = false): Types {
  const ports: Types = new Map();
  for (const [port, text] of Object.entries(declared)) {
    try {
      ports.set(port, checked.scope.instantiate(parsePortType(text, { variables }), owner));
    } catch (error) {
      const hint = (isStarlingError(error) ? error.hint : undefined) ?? 'write a port type, such as image or tensor<float32,[1,3,h,w]>';
      checked.report({ code: 'bad-port-type', field: `${field}.${port}`, message: messageOf(error), hint });
      ports.set(port, undefined);
    }
  }
  return ports;
}

/** What operators, sources and sinks have in common: a name, parameters, and ports that may follow from them. */
interface Signature {
  name: string;
  params: z.ZodType;
  inputs?: PortTexts;
  outputs?: PortTexts;
  optional?: readonly string[];
  wired?: readonly string[];
  ports?(params: never): { inputs?: PortTexts; outputs?: PortTexts; optional?: readonly string[]; wired?: readonly string[] };
  expressions?(params: never): readonly ExpressionPlace[];
}

type Kind = 'op' | 'source' | 'sink';
const unknownKind = { op: 'unknown-operator', source: 'unknown-source', sink: 'unknown-sink' } as const;
const kindWord = { op: 'operator', source: 'source', sink: 'sink' } as const;

function portsByParams(
  checked: CheckedGraph,
  name: string,
  node: PipelineNode & { params: Record<string, unknown> },
  { kind, known }: { kind: Kind; known: ReadonlyMap<string, Signature> },
): NodePorts | undefined {
  const called = (node as unknown as Record<Kind, string>)[kind];
  const signature = known.get(called);
  const params = withParameters(checked, name, node.params);
  if (signature === undefined) {
    const message = `there is no ${kindWord[kind]} "${called}"`;
    const hint = suggest(called, known.keys(), `${kindWord[kind]}s`);
    checked.report({ code: unknownKind[kind], field: `nodes.${name}.${kind}`, message, hint });
    return undefined;
  }
  const parsed = params === undefined ? undefined : readParams(checked, name, signature, params);
  if (parsed === undefined && signature.ports !== undefined) return undefined;
  if (parsed !== undefined) checkExpressions(checked, name, node.params, signature.expressions?.(parsed as never) ?? []);
  const { inputs = {}, outputs = {}, optional = [], wired = [] } = signature.ports?.(parsed as never) ?? signature;
  return {
    inputs: parsePorts(checked, inputs, name, called, true),
    outputs: parsePorts(checked, outputs, name, called, true),
    optional: new Set(optional.filter((port) => !wired.includes(port))),
    ...{ mayStayAway: new Set(optional), own: none },
  };
}

/** The parameters of a node with the values of those of the pipeline; undefined where one is unknown, which was reported. */
function withParameters(checked: CheckedGraph, name: string, params: unknown): unknown {
  const replaced = substitute(params, checked.values, `nodes.${name}.params`);
  for (const parameter of replaced.used) checked.usedParameters.add(parameter);
  for (const problem of replaced.problems) checked.report(problem);
  return replaced.problems.length > 0 ? undefined : replaced.params;
}

function readParams(checked: CheckedGraph, name: string, signature: Signature, params: unknown): unknown {
  const parsed = signature.params.safeParse(params);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // Of a misspelt parameter the right one is missing, too: that is said once, at the word.
  const isMisspelt = issues.some(({ code }) => code === 'unrecognized_keys');
  for (const issue of isMisspelt ? issues.filter(({ code }) => code !== 'custom') : issues) {
    const field = ['nodes', name, 'params', ...issue.path].join('.');
    const [key] = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    const words = wordsOfIssue(issue);
    const message = isMissing ? `${signature.name} needs "${issue.path.join('.')}"` : words.message;
    const hint =
      (isMissing ? undefined : words.hint) ??
      paramsHint(signature, issue, key) ??
      `docs/protocol/pipelines.md says what ${signature.name} takes there`;
    checked.report({
      code: 'invalid-params',
      field,
      message,
      hint,
      ...(key === undefined ? {} : { key }),
    });
  }
  return undefined;
}

/** The parameters that there are: whoever misspelt one sees the right word. */
function paramsHint({ name, params }: Signature, issue: z.core.$ZodIssue, key: string | undefined): string | undefined {
  if (!(params instanceof z.ZodObject)) return undefined;
  const names = Object.keys(params.shape);
  if (names.length === 0) return `${name} has no parameters`;
  const near = key === undefined ? undefined : nearestName(key, names);
  if (near !== undefined) return `did you mean "${near}"?`;
  return key !== undefined || issue.path.length <= 1 ? `parameters of ${name}: ${names.join(', ')}` : undefined;
}

function checkExpressions(checked: CheckedGraph, name: string, params: Record<string, unknown>, places: readonly ExpressionPlace[]): void {
  for (const { path, text, variables, result } of places) {
    const problem = checkExpression(text, variables, { result });
    if (problem === undefined) continue;
    const written = path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | undefined)?.[key], params);
    checked.report({
      ...{ code: 'invalid-expression', field: ['nodes', name, 'params', ...path].join('.'), message: problem.message, hint: problem.hint },
      // Where parameters were put in, characters are others than those that stand there.
      ...(written === text ? { range: problem.range } : {}),
    });
  }
}

function portsOfModel(checked: CheckedGraph, name: string, node: ModelNode): NodePorts | undefined {
  const { models, modelsMayBeElsewhere } = checked.context;
  const model = models.get(node.model);
  if (model === undefined) {
    if (modelsMayBeElsewhere) return undefined;
    const message = `there is no model "${node.model}"`;
    const near = suggest(node.model, models.keys(), 'models');
    const hint = near.startsWith('did') ? near : 'push the model first, or correct the name';
    checked.report({ code: 'unknown-model', field: `nodes.${name}.model`, message, hint });
    return undefined;
  }
  const typed = ({ name: port, elementType, shape }: TensorPort): [string, PortType] => {
    // `d0`, `d1` are what sides without a name are called by their place: that two of them have one place says nothing.
    const sides = shape.map((side, axis) => (side === `d${axis}` ? `${port}.d${axis}` : side));
    return [port, checked.scope.instantiate({ kind: 'tensor', elementType, shape: sides }, name)];
  };
  const ports = { inputs: new Map(model.inputs.map(typed)), outputs: new Map(model.outputs.map(typed)) };
  return { ...ports, optional: none, mayStayAway: none, own: checkState(checked, name, node, ports) };
}

/** An output that comes back as an input at the next item: both have to be there, and to be of one type. */
function checkState(
  { scope, report }: CheckedGraph,
  name: string,
  { state = {} }: ModelNode,
  { inputs, outputs }: { inputs: Map<string, PortType>; outputs: Map<string, PortType> },
): ReadonlySet<string> {
  for (const [input, output] of Object.entries(state)) {
    const field = `nodes.${name}.state.${input}`;
    const [to, from] = [inputs.get(input), outputs.get(output)];
    if (to === undefined)
      report({ code: 'unknown-port', field, message: `"${name}" has no input "${input}"`, hint: suggest(input, inputs.keys(), 'inputs') });
    if (from === undefined)
      report({
        code: 'unknown-port',
        field,
        message: `"${name}" has no output "${output}"`,
        hint: suggest(output, outputs.keys(), 'outputs'),
      });
    const mismatch = to === undefined || from === undefined ? undefined : scope.unify(from, to);
    if (mismatch !== undefined) {
      const hint = 'name an output of the same type and shape, or remove the line from `state`';
      report({ code: 'type-mismatch', field, message: `${output} cannot come back as ${input}: ${mismatch}`, hint });
    }
  }
  return new Set(Object.keys(state));
}

function portsOfInner(checked: CheckedGraph, name: string, node: PipelineReferenceNode): NodePorts | undefined {
  const inner = Object.hasOwn(checked.pipelines, node.pipeline) ? checked.pipelines[node.pipeline] : undefined;
  const params = withParameters(checked, name, node.params);
  if (inner === undefined) {
    const message = `there is no pipeline "${node.pipeline}" in \`pipelines\``;
    const hint = suggest(node.pipeline, Object.keys(checked.pipelines), 'pipelines');
    checked.report({ code: 'unknown-pipeline', field: `nodes.${name}.pipeline`, message, hint });
    return undefined;
  }
  const values = (params ?? {}) as ParameterValues;
  for (const problem of checkParameterValues(inner.parameters, { by: 'pipeline', values, field: `nodes.${name}.params` })) {
    checked.report(problem);
  }
  // Types that are wrong were reported where they are declared.
  const silent = { ...checked, report: () => undefined };
  return {
    inputs: parsePorts(silent, inner.inputs, name, ''),
    outputs: parsePorts(silent, inner.outputs, name, ''),
    ...{ optional: none, mayStayAway: none, own: none },
  };
}
