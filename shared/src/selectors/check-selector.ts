import type { ASTNode, ASTOperator, SourceRange } from '@marcbachmann/cel-js';
import { suggest } from '../graph/nearest-name.ts';
import { isNumberField, isTextField, labelNames, selectorNames, valuesOfField } from './names.ts';
import type { Comparison, Condition, KnownNames, Operand, SelectorProblem } from './selector.ts';
import { isVersion } from './versions.ts';

/** Ends the check at the first problem. */
export class SelectorFault {
  readonly problem: SelectorProblem;
  constructor(problem: SelectorProblem) {
    this.problem = problem;
  }
}

export function problemAt({ start, end }: SourceRange, message: string, hint?: string): SelectorProblem {
  return { message, range: { start, end }, ...(hint === undefined ? {} : { hint }) };
}

/** Names of labels, as the API takes them. */
const labelPattern = /^[a-z0-9][a-z0-9._/-]{0,62}$/;
const comparisons: ReadonlySet<ASTOperator> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const names: readonly string[] = [...selectorNames.map(({ name }) => name), 'group', 'has'];
const textTests = ['startsWith', 'endsWith', 'contains'] as const;

/** @throws SelectorFault */
export function conditionOf(node: ASTNode, known: KnownNames): Condition {
  const inner = (child: ASTNode): Condition => conditionOf(child, known);
  switch (node.op) {
    case '&&':
    case '||':
      return join(node.op === '&&' ? 'and' : 'or', inner(node.args[0]), inner(node.args[1]));
    case '!_':
      return { kind: 'not', of: inner(node.args) };
    case '?:': {
      const [test, yes, no] = [inner(node.args[0]), inner(node.args[1]), inner(node.args[2])];
      return join('or', join('and', test, yes), join('and', { kind: 'not', of: test }, no));
    }
    case 'value':
      if (typeof node.args === 'boolean') return { kind: 'constant', value: node.args };
      break;
    case 'id':
      if (node.args === 'online') return { kind: 'online' };
      break;
    case 'in':
      return membership(node.args[0], node.args[1]);
    case 'call':
      return call(node, node.args[0], node.args[1], known);
    case 'rcall':
      return textTest(node, node.args[0], node.args[1], node.args[2]);
    default:
      if (isComparison(node)) return comparison(node, inner);
  }
  const operand = operandOf(node);
  const what = operand.kind === 'literal' ? JSON.stringify(operand.value) : textOf(node);
  throw fault(node, `${what} says neither yes nor no`, operand.kind === 'literal' ? undefined : `compare it: ${what} == ...`);
}

function join(kind: 'and' | 'or', ...parts: Condition[]): Condition {
  return { kind, parts: parts.flatMap((part) => (part.kind === kind ? part.parts : [part])) };
}

function isComparison(node: ASTNode): node is Extract<ASTNode, { op: Comparison }> {
  return comparisons.has(node.op);
}

function comparison(node: Extract<ASTNode, { op: Comparison }>, inner: (child: ASTNode) => Condition): Condition {
  const [left, right] = node.args;
  if (saysYesOrNo(left) || saysYesOrNo(right)) {
    if (node.op !== '==' && node.op !== '!=') throw fault(node, `yes and no cannot be compared with ${node.op}`, 'use == or !=');
    const same: Condition = { kind: 'same', left: inner(left), right: inner(right) };
    return node.op === '==' ? same : { kind: 'not', of: same };
  }
  const [a, b] = [operandOf(left), operandOf(right)];
  if (isVersionField(a)) return { kind: 'agent-version', operator: node.op, than: versionOf(right, b) };
  if (isVersionField(b)) return { kind: 'agent-version', operator: turned[node.op], than: versionOf(left, a) };
  const as = kindOfBoth(node, [left, a], [right, b]);
  if (as === 'text' && node.op !== '==' && node.op !== '!=') {
    throw fault(node, `text has no order: ${node.op} is for numbers and for agentVersion`, 'use ==, !=, in or startsWith');
  }
  return { kind: 'compare', as, operator: node.op, left: a, right: b };
}

/** The same comparison with its sides exchanged. */
const turned: Readonly<Record<Comparison, Comparison>> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function isVersionField(operand: Operand): boolean {
  return operand.kind === 'text' && operand.field === 'agentVersion';
}

/** Text that a version is compared with. */
function versionOf(node: ASTNode, operand: Operand): string {
  if (operand.kind === 'literal' && typeof operand.value === 'string' && isVersion(operand.value)) return operand.value;
  if (operand.kind !== 'literal') throw fault(node, 'agentVersion is compared with a version', 'write one such as "1.4.0"');
  const hint =
    typeof operand.value === 'number'
      ? `write "${textOf(node)}" with quotation marks`
      : 'write one such as "1.4.0"; for a part of its text use startsWith';
  throw fault(node, `${textOf(node)} is no version`, hint);
}

/** Both sides have to be of one kind. */
function kindOfBoth(node: ASTNode, [leftNode, left]: [ASTNode, Operand], [rightNode, right]: [ASTNode, Operand]): 'text' | 'number' {
  const [a, b] = [kindOf(left), kindOf(right)];
  if (a !== b) {
    const [number, other] = a === 'number' ? [leftNode, rightNode] : [rightNode, leftNode];
    throw fault(
      node,
      `${textOf(number)} is a number and ${textOf(other)} is text`,
      number.op === 'value' ? `write "${textOf(number)}" with quotation marks` : `compare ${textOf(number)} with a number`,
    );
  }
  requirePlainBeside(left, right, node);
  requirePossible(left, right, rightNode);
  requirePossible(right, left, leftNode);
  return a;
}

/** The name of a release is kept apart from devices: held against what each device says, it would take a look for each of them. */
function requirePlainBeside(left: Operand, right: Operand, node: ASTNode): void {
  const release = [left, right].find((operand) => operand.kind === 'text' && operand.field === 'release');
  if (release === undefined || (release === left ? right : left).kind === 'literal') return;
  throw fault(node, 'release is compared with a name, not with another text of the device', 'write release == "read-signs-2"');
}

/** A text that the field can never have is a slip of the pen. */
function requirePossible(operand: Operand, other: Operand, otherNode: ASTNode): void {
  if (operand.kind !== 'text' || other.kind !== 'literal') return;
  const values = valuesOfField(operand.field);
  if (values === undefined || values.includes(String(other.value))) return;
  throw fault(otherNode, `${operand.field} is never "${other.value}"`, suggest(String(other.value), values, 'it can be'));
}

function kindOf(operand: Operand): 'text' | 'number' {
  if (operand.kind === 'literal') return typeof operand.value === 'number' ? 'number' : 'text';
  return operand.kind === 'number' ? 'number' : 'text';
}

function saysYesOrNo(node: ASTNode): boolean {
  switch (node.op) {
    case 'value':
      return typeof node.args === 'boolean';
    case 'id':
      return node.args === 'online';
    case '&&':
    case '||':
    case '!_':
    case '?:':
    case 'in':
    case 'call':
    case 'rcall':
      return true;
    default:
      return comparisons.has(node.op);
  }
}

function membership(left: ASTNode, right: ASTNode): Condition {
  if (right.op === 'id' && (right.args === 'labels' || right.args === 'providers')) {
    const element = textOperand(left);
    requirePlainBeside(element, { kind: 'label', label: '' }, left);
    return right.args === 'labels' ? { kind: 'has-label', label: element } : { kind: 'has-provider', provider: element };
  }
  if (right.op !== 'list') throw fault(right, `${textOf(right)} is no list`, 'write one: ["a", "b"]; or use providers or labels');
  const value = operandOf(left);
  const items = right.args.map((item) => {
    const operand = operandOf(item);
    if (operand.kind !== 'literal') throw fault(item, 'a list holds texts or numbers', 'use || for more');
    return { item, operand };
  });
  if (isVersionField(value)) {
    const parts = items.map(({ item, operand }): Condition => ({ kind: 'agent-version', operator: '==', than: versionOf(item, operand) }));
    return parts.length === 0 ? { kind: 'constant', value: false } : { kind: 'or', parts };
  }
  const kinds = items.map(({ item, operand }) => kindOfBoth(item, [left, value], [item, operand]));
  return { kind: 'one-of', as: kinds[0] ?? kindOf(value), value, of: items.map(({ operand }) => operand.value) };
}

function call(node: ASTNode, name: string, args: readonly ASTNode[], known: KnownNames): Condition {
  const [argument] = args;
  if (name === 'group') {
    if (args.length !== 1 || argument?.op !== 'value' || typeof argument.args !== 'string') {
      throw fault(node, 'group takes the name of one group', 'write group("name")');
    }
    if (known.groups !== undefined && !known.groups.includes(argument.args)) {
      throw fault(argument, `there is no group "${argument.args}"`, suggest(argument.args, known.groups, 'groups'));
    }
    return { kind: 'group', name: argument.args };
  }
  if (name === 'has') {
    const operand = argument === undefined || args.length !== 1 ? undefined : operandOf(argument);
    if (operand?.kind !== 'label') throw fault(node, 'has asks for a label', 'write has(labels.site), or "x/y" in labels');
    return { kind: 'has-label', label: { kind: 'literal', value: operand.label } };
  }
  if (names.includes(name)) throw fault(node, `${name} is no function`, `write ${name} alone`);
  throw fault(node, `there is no function "${name}"`, suggest(name, ['group', 'has'], 'functions'));
}

function textTest(node: ASTNode, name: string, receiver: ASTNode, args: readonly ASTNode[]): Condition {
  const test = textTests.find((each) => each === name);
  if (test === undefined) {
    const list = receiver.op === 'id' && receiver.args === 'providers';
    throw fault(node, `there is no function "${name}"`, list ? 'write "cuda" in providers' : suggest(name, textTests, 'functions'));
  }
  if (receiver.op === 'id' && (receiver.args === 'providers' || receiver.args === 'labels')) {
    throw fault(node, `${receiver.args} is no text`, `write "..." in ${receiver.args}`);
  }
  const [part] = args;
  if (part === undefined || args.length !== 1) throw fault(node, `${name} takes one text`, `write ${textOf(receiver)}.${name}("...")`);
  const [whole, piece] = [textOperand(receiver), textOperand(part)];
  requirePlainBeside(whole, piece, node);
  return { kind: 'part-of-text', test, value: whole, part: piece };
}

function textOperand(node: ASTNode): Operand {
  const operand = operandOf(node);
  if (kindOf(operand) !== 'number') return operand;
  throw fault(node, `${textOf(node)} is a number, not text`, operand.kind === 'literal' ? `write "${operand.value}"` : undefined);
}

function operandOf(node: ASTNode): Operand {
  switch (node.op) {
    case 'value':
      return literalOf(node);
    case 'id':
      return named(node, node.args);
    case '.':
      return labelOf(node, node.args[0], node.args[1]);
    case '[]':
      if (node.args[1].op === 'value' && typeof node.args[1].args === 'string') return labelOf(node, node.args[0], node.args[1].args);
      throw fault(node.args[1], 'a label is named by a text', 'write labels["name"]');
    case '-_':
    case '+':
    case '-':
    case '*':
      return { kind: 'literal', value: computed(node) };
    case '/':
    case '%':
      throw fault(node, `a selector has no ${node.op}`, 'write the number itself');
    case 'list':
      throw fault(node, 'a list stands here alone', 'use it with in: site in ["a", "b"]');
    case 'map':
      throw fault(node, 'a selector has no maps', 'compare labels one by one');
    default:
      throw fault(node, `${textOf(node)} says yes or no, here a value is needed`, 'use && and || between conditions');
  }
}

function literalOf(node: Extract<ASTNode, { op: 'value' }>): Operand {
  const value = node.args;
  if (typeof value === 'string') {
    // Neither can be stored, so no device has it.
    if (value.includes('\0') || /\p{Surrogate}/u.test(value))
      throw fault(node, 'the text holds a character that no text of a device can have');
    return { kind: 'literal', value };
  }
  const number = numberOf(value);
  if (number !== undefined) return { kind: 'literal', value: number };
  if (value === null) throw fault(node, 'nothing is null in a selector', 'ask has(labels.site), or compare with ""');
  throw fault(node, `${textOf(node)} is neither text nor a number`);
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const plain: unknown = typeof value === 'object' && value !== null ? value.valueOf() : value;
  return typeof plain === 'bigint' ? Number(plain) : undefined;
}

/** Sums of plain numbers, such as `4 * 1024`. */
function computed(node: ASTNode): number {
  switch (node.op) {
    case 'value': {
      const value = numberOf(node.args);
      if (value !== undefined) return value;
      break;
    }
    case '-_':
      return -computed(node.args);
    case '+':
      return computed(node.args[0]) + computed(node.args[1]);
    case '*':
      return computed(node.args[0]) * computed(node.args[1]);
    case '-': {
      const [left, right] = node.args;
      const label = left.op === '.' && right.op === 'id' ? textOf(node).replace(/^labels\./, '') : undefined;
      if (label !== undefined)
        throw fault(node, 'a selector cannot subtract from a label', `for the label "${label}" write labels["${label}"]`);
      return computed(left) - computed(right);
    }
    default:
  }
  throw fault(node, 'a selector computes with plain numbers alone', 'write the number itself');
}

function named(node: ASTNode, name: string): Operand {
  if (labelNames.has(name)) return { kind: 'label', label: name };
  if (isTextField(name)) return { kind: 'text', field: name };
  if (isNumberField(name)) return { kind: 'number', field: name };
  if (name === 'labels') throw fault(node, 'which label?', 'write labels.site or labels["x/y"]');
  if (name === 'providers') throw fault(node, 'providers is a list', 'write "cuda" in providers');
  if (name === 'online') throw fault(node, 'online says yes or no', 'write online or !online');
  if (name === 'group' || name === 'has')
    throw fault(node, `${name} is a function`, name === 'group' ? 'write group("name")' : 'write has(labels.site)');
  throw fault(node, `unknown name "${name}"`, suggest(name, names, 'names'));
}

function labelOf(node: ASTNode, receiver: ASTNode, label: string): Operand {
  if (receiver.op !== 'id' || receiver.args !== 'labels') {
    if (receiver.op === 'id' && !names.includes(receiver.args)) named(receiver, receiver.args);
    throw fault(node, `${textOf(receiver)} has no parts`, 'only labels has: labels.site');
  }
  if (!labelPattern.test(label)) {
    throw fault(
      node,
      `no device has a label "${label}"`,
      'labels begin with a lower-case letter or digit and go on with these and . _ / -',
    );
  }
  return { kind: 'label', label };
}

function textOf({ input, range }: ASTNode): string {
  return input.slice(range.start, range.end);
}

function fault(node: ASTNode, message: string, hint?: string): SelectorFault {
  return new SelectorFault(problemAt(node.range, message, hint));
}
