import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import { messageOf, StarlingError } from '../errors.ts';
import { EXPRESSION_CHARACTERS_MAXIMUM, EXPRESSION_NODES_MAXIMUM } from '../limits.ts';
import { conditionOf, problemAt, SelectorFault } from './check-selector.ts';
import type { Condition, KnownNames, Selector, SelectorProblem } from './selector.ts';

/**
 * Reads a selector: text in the Common Expression Language that says yes or no for one device.
 * @throws StarlingError `invalid-selector` that names the place, what is wrong and what to write
 */
export function parseSelector(text: string, known: KnownNames = {}): Selector {
  const read = readSelector(text, known);
  if ('condition' in read) return { text, condition: read.condition };
  throw new StarlingError('invalid-selector', `${read.message}, at character ${read.range.start + 1} of "${text}"`, {
    field: 'select',
    ...(read.hint === undefined ? {} : { hint: read.hint }),
  });
}

/** @returns what is wrong, or undefined where nothing is */
export function checkSelector(text: string, known: KnownNames = {}): SelectorProblem | undefined {
  const read = readSelector(text, known);
  return 'condition' in read ? undefined : read;
}

function readSelector(text: string, known: KnownNames): { condition: Condition } | SelectorProblem {
  if (text.length > EXPRESSION_CHARACTERS_MAXIMUM) {
    return {
      message: `a selector has at most ${EXPRESSION_CHARACTERS_MAXIMUM} characters, this one has ${text.length}`,
      range: { start: EXPRESSION_CHARACTERS_MAXIMUM, end: text.length },
      hint: 'save a part of it as a group, and use group("name")',
    };
  }
  if (text.trim() === '')
    return { message: 'the selector is empty', range: { start: 0, end: text.length }, hint: 'for all devices write true' };
  let ast: ASTNode;
  try {
    ast = language.parse(text).ast;
  } catch (error) {
    return problemOf(error, text);
  }
  try {
    return { condition: conditionOf(ast, known) };
  } catch (error) {
    if (error instanceof SelectorFault) return error.problem;
    throw error;
  }
}

/** Words of other languages for what is meant, at the place where reading stopped. */
const otherWords: Readonly<Record<string, string>> = { and: '&&', or: '||', not: '!', '=': '==', '&': '&&', '|': '||', '<>': '!=' };

function problemOf(error: unknown, text: string): SelectorProblem {
  if (!(error instanceof ParseError)) return { message: messageOf(error), range: { start: 0, end: text.length } };
  const { start = 0, end = text.length } = error.range ?? {};
  const word = /^(?:[A-Za-z]+|<>|[=&|])/.exec(text.slice(start))?.[0] ?? '';
  const meant = otherWords[word.toLowerCase()];
  if (meant !== undefined) return { ...problemAt({ start, end: start + word.length }, `"${word}" is not known`), hint: `write ${meant}` };
  if (error.summary === 'Unexpected token: EOF') return problemAt({ start, end }, 'the selector ends where more is expected');
  if (error.code === 'unterminated_string')
    return { ...problemAt({ start, end }, 'a text has no end'), hint: 'close it with a quotation mark' };
  return problemAt({ start, end }, error.summary.charAt(0).toLowerCase() + error.summary.slice(1));
}

/** Only its parser is used: what names and operators mean is decided in `check-selector.ts`, for programs and databases alike. */
const language = new Environment({
  enableOptionalTypes: false,
  limits: { maxAstNodes: EXPRESSION_NODES_MAXIMUM, maxDepth: 32, maxListElements: 128, maxMapEntries: 1, maxCallArguments: 8 },
});
