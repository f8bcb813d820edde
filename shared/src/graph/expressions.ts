import { type ASTNode, Environment, EvaluationError, Optional, ParseError, TypeError as TypeProblem } from '@marcbachmann/cel-js';
import { isStarlingError, StarlingError } from '../errors.ts';
import {
  EXPRESSION_CHARACTERS_MAXIMUM,
  EXPRESSION_COMPREHENSIONS_MAXIMUM,
  EXPRESSION_NESTED_COMPREHENSIONS_MAXIMUM,
  EXPRESSION_NODES_MAXIMUM,
} from '../limits.ts';

/** What is wrong with an expression, and where in its text. */
export interface ExpressionProblem {
  message: string;
  range: { start: number; end: number };
  hint: string;
}

/** An expression, ready to run on the values of its variables; one that is not given counts as null. */
export type Expression = (values: Readonly<Record<string, unknown>>) => unknown;

export interface ExpressionOptions {
  /** What it must answer, where it can be told before it runs. */
  result?: 'boolean' | undefined;
}

/** Functions of CEL that take another expression and run it for each item of a list. */
const comprehensions: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);

const LANGUAGE_HINT = 'expressions are written in CEL, see cel.dev: value.score > 0.5 && value.label == "car"';

/**
 * Prepares an expression in the Common Expression Language.
 * @throws StarlingError `invalid-expression`; the answer throws `expression-failed`
 */
export function compileExpression(text: string, variables: readonly string[], options: ExpressionOptions = {}): Expression {
  const parsed = parse(text, variables, options);
  if ('message' in parsed) {
    throw new StarlingError('invalid-expression', `${parsed.message}, at character ${parsed.range.start + 1} of "${text}"`, {
      hint: parsed.hint,
    });
  }
  const { run } = parsed;
  return (values) => {
    const given: Record<string, unknown> = {};
    for (const name of variables) given[name] = values[name] ?? null;
    let answer: unknown;
    try {
      answer = asPlain(run(given));
    } catch (error) {
      if (isStarlingError(error)) throw error;
      const message = error instanceof EvaluationError ? withPosition(error, text) : 'the expression failed';
      throw new StarlingError('expression-failed', message, { cause: error });
    }
    if (options.result === 'boolean' && typeof answer !== 'boolean') {
      throw new StarlingError('expression-failed', `"${text}" answered ${JSON.stringify(answer)} instead of true or false`);
    }
    return answer;
  };
}

/** @returns what is wrong with an expression, or undefined where nothing is that can be told before it runs */
export function checkExpression(
  text: string,
  variables: readonly string[],
  options: ExpressionOptions = {},
): ExpressionProblem | undefined {
  const parsed = parse(text, variables, options);
  return 'message' in parsed ? parsed : undefined;
}

type Parsed = { run: (values: Record<string, unknown>) => unknown } | ExpressionProblem;

function parse(text: string, variables: readonly string[], { result }: ExpressionOptions): Parsed {
  if (text.length > EXPRESSION_CHARACTERS_MAXIMUM) {
    return {
      message: `an expression has at most ${EXPRESSION_CHARACTERS_MAXIMUM} characters, this one has ${text.length}`,
      range: { start: EXPRESSION_CHARACTERS_MAXIMUM, end: text.length },
      hint: 'use a script node for longer logic',
    };
  }
  try {
    const environment = language.clone();
    for (const name of variables) environment.registerVariable(name, 'dyn');
    const parsed = environment.parse(text);
    const tooMuch = checkSize(parsed.ast);
    if (tooMuch !== undefined) return tooMuch;
    const checked = parsed.check();
    if (checked.error !== undefined) return problemOf(checked.error, text, variables);
    if (result === 'boolean' && checked.type !== 'bool' && checked.type !== 'dyn') {
      const hint = 'compare it with something, such as value.score > 0.5';
      return { message: `answers ${checked.type} instead of true or false`, range: { start: 0, end: text.length }, hint };
    }
    return { run: parsed };
  } catch (error) {
    return problemOf(error, text, variables);
  }
}

/** Attack: a few nested lists keep a device busy for minutes. What runs for each item of a list is therefore bounded. */
function checkSize(ast: ASTNode): ExpressionProblem | undefined {
  let count = 0;
  let problem: ExpressionProblem | undefined;
  const visit = (node: ASTNode, depth: number): void => {
    const name = node.op === 'rcall' || node.op === 'call' ? (node.args as [string, ...unknown[]])[0] : undefined;
    if (name === 'matches') {
      problem ??= { message: 'there is no function "matches"', range: node.range, hint: 'use contains, startsWith, endsWith or in' };
    }
    const inner = name !== undefined && comprehensions.has(name) ? depth + 1 : depth;
    if (inner > depth) count += 1;
    if (inner > EXPRESSION_NESTED_COMPREHENSIONS_MAXIMUM || count > EXPRESSION_COMPREHENSIONS_MAXIMUM) {
      problem ??= {
        message: `at most ${EXPRESSION_COMPREHENSIONS_MAXIMUM} of all, exists, map, filter and bind, nested at most ${EXPRESSION_NESTED_COMPREHENSIONS_MAXIMUM} deep`,
        range: node.range,
        hint: 'use a script node for longer logic',
      };
    }
    for (const child of childrenOf(node.args)) visit(child, inner);
  };
  visit(ast, 0);
  return problem;
}

function childrenOf(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return typeof args === 'object' && args !== null && 'op' in args && 'range' in args ? [args as ASTNode] : [];
}

/** @param code of the library that reads the language */
function hintOfCode(code: string): string {
  if (code === 'no_such_overload' || code === 'incompatible_ternary_branches')
    return 'what is on its two sides has to be of one type: use string(), double() or int()';
  if (code === 'no_matching_overload')
    return 'functions: size, contains, startsWith, endsWith, all, exists, map, filter, double, int, string; each takes certain types';
  return LANGUAGE_HINT;
}

function problemOf(error: unknown, text: string, variables: readonly string[]): ExpressionProblem {
  if (!(error instanceof ParseError || error instanceof TypeProblem)) {
    const message = error instanceof Error ? error.message : String(error);
    return { message, range: { start: 0, end: text.length }, hint: LANGUAGE_HINT };
  }
  const { start = 0, end = text.length } = error.range ?? {};
  const isCut = error.summary === 'Unexpected token: EOF';
  const message = isCut ? 'the expression ends where more is expected' : lowerFirst(error.summary);
  const hint =
    error.code === 'unknown_variable'
      ? `variables: ${variables.join(', ') || 'none'}`
      : isCut
        ? 'write both sides, such as value.score > 0.5, and close every bracket'
        : hintOfCode(error.code);
  return { message, range: { start, end }, hint };
}

function withPosition(error: EvaluationError, text: string): string {
  const at = error.range === undefined ? '' : `, at character ${error.range.start + 1}`;
  return `${lowerFirst(error.summary)}${at} of "${text}"`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Whole numbers come as bigints, and a few kinds have classes of their own: what travels on edges is plain. */
function asPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(asPlain);
  if (value instanceof Optional) return value.hasValue() ? asPlain(value.value()) : null;
  if (value instanceof Date) return value.toISOString();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(asPlain(key)), asPlain(item)]));
  if (prototype === Object.prototype || prototype === null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asPlain(item)]));
  }
  const unsigned: unknown = value.valueOf();
  if (typeof unsigned === 'bigint') return Number(unsigned);
  throw new StarlingError('expression-failed', 'the expression answers what is neither number, text, list, map nor null', {
    hint: 'turn it into text with string(...)',
  });
}

/** JSON knows one kind of number, CEL two that do not mix: here they do. */
function mixNumbers(environment: Environment): Environment {
  const operators: Record<string, (left: number, right: number) => number> = {
    '+': (left, right) => left + right,
    '-': (left, right) => left - right,
    '*': (left, right) => left * right,
    '/': (left, right) => left / right,
    '%': (left, right) => left % right,
  };
  for (const [sign, compute] of Object.entries(operators)) {
    const mixed = (left: number | bigint, right: number | bigint): number => compute(Number(left), Number(right));
    environment.registerOperator(`double ${sign} int`, mixed).registerOperator(`int ${sign} double`, mixed);
  }
  return environment.registerOperator('double % double', (left: number, right: number) => left % right);
}

function addFunctions(environment: Environment): Environment {
  const over = (name: string, compute: (numbers: number[]) => number): void => {
    environment.registerFunction(`${name}(list): double`, (list: unknown[]) =>
      compute(
        list.map((item) => {
          if (typeof item === 'number' || typeof item === 'bigint') return Number(item);
          throw new StarlingError('expression-failed', `${name}(...) takes a list of numbers`);
        }),
      ),
    );
  };
  over('sum', (numbers) => numbers.reduce((total, each) => total + each, 0));
  over('min', (numbers) => atLeastOne('min', numbers).reduce((least, each) => Math.min(least, each)));
  over('max', (numbers) => atLeastOne('max', numbers).reduce((most, each) => Math.max(most, each)));
  const rounding: Record<string, (value: number) => number> = { abs: Math.abs, round: Math.round, floor: Math.floor, ceil: Math.ceil };
  for (const [name, compute] of Object.entries(rounding)) {
    environment.registerFunction(`${name}(double): double`, compute);
    environment.registerFunction(`${name}(int): double`, (value: bigint) => compute(Number(value)));
  }
  return environment;
}

function atLeastOne(name: string, numbers: number[]): number[] {
  if (numbers.length === 0) throw new StarlingError('expression-failed', `${name}(...) of an empty list`);
  return numbers;
}

/** Cloned for each expression; itself it never changes. */
const language = addFunctions(
  mixNumbers(
    new Environment({
      ...{ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false, enableOptionalTypes: true },
      limits: { maxAstNodes: EXPRESSION_NODES_MAXIMUM, maxDepth: 32, maxListElements: 128, maxMapEntries: 64, maxCallArguments: 8 },
    }),
  ),
);
