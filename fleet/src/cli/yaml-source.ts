import { type Document, type ErrorCode, isAlias, isMap, isScalar, isSeq, type Node, parseDocument, Scalar } from 'yaml';

/** A place in a file, counted as editors do: lines and columns from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
  /** Characters that it is about, on this line. */
  length: number;
  /** The whole line. */
  text: string;
}

/** A YAML or JSON file whose parts can be found again. */
export interface YamlSource {
  /** As the person named it. */
  file: string;
  value: unknown;
  /** What keeps it from being read, each with its place. */
  errors: { message: string; hint: string; place: Place }[];
  /**
   * The nearest place to a field, such as `edges.3.to`: its value, or its key where that is a whole block; what it would stand in where
   * it is not there.
   * @param range characters of the text that stands there
   */
  placeOf(field: string, range?: { start: number; end: number }): Place;
}

/** What follows a bracket that is never closed is read as something else: a parser then finds fault with every line. */
const ERRORS_SHOWN = 5;

/** What is most often behind a mistake. */
const ANY_HINT = 'look at the indentation, the colons, the quotes and the brackets here';
const hints: Readonly<Partial<Record<ErrorCode, string>>> = {
  BLOCK_IN_FLOW: 'close the bracket before, or put a comma there',
  BLOCK_AS_IMPLICIT_KEY: 'indent the line below like this one, or put the text after the colon into quotes',
  MULTILINE_IMPLICIT_KEY: 'write a colon after the name, or indent the line below like this one',
  BAD_INDENT: 'indent it like the lines around it; a bracket that was opened has to be closed',
  DUPLICATE_KEY: 'remove one of the two, or give it another name',
  TAB_AS_INDENT: 'indent with spaces',
  MISSING_CHAR: 'add what is missing: a quote, a comma, a colon or a bracket',
};

/** The place of some characters of a text, counted from its start. */
export function placeInText(file: string, text: string, { start, end }: { start: number; end: number }): Place {
  const before = text.slice(0, start).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  const [whole = ''] = text.slice(start - column + 1).split(/\r?\n/, 1);
  return { file, line: before.length, column, length: Math.max(1, Math.min(end - start, whole.length - column + 1)), text: whole };
}

export function readYaml(file: string, text: string): YamlSource {
  const document = parseDocument(text, { prettyErrors: false });
  const placeAt = (start: number, end: number): Place => placeInText(file, text, { start, end });
  const all = document.errors.map(({ code, message, pos: [start, end] }) => ({
    ...{ message: sentence(message), hint: hints[code] ?? ANY_HINT, place: placeAt(start, end) },
  }));
  // Lines below a tab are measured by it, and fit nowhere.
  const tabs = all.filter((_, index) => document.errors[index]?.code === 'TAB_AS_INDENT');
  // A second one on the same line follows from the first.
  const errors = (tabs.length > 0 ? tabs : all)
    .filter(({ place }, index, these) => these.findIndex((other) => other.place.line === place.line) === index)
    .slice(0, ERRORS_SHOWN);
  return {
    file,
    value: errors.length > 0 ? undefined : toValue(document),
    errors,
    placeOf(field, range) {
      const [start, end] = findRange({ document, text }, field.split('.'), range);
      return placeAt(start, end);
    },
  };
}

function toValue(document: Document.Parsed): unknown {
  return document.toJS() as unknown;
}

function sentence(message: string): string {
  return message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '').replace(/\.$/, '');
}

type Range = [start: number, end: number];

interface Parsed {
  document: Document;
  text: string;
}

/** Follows the words of a field as far as they lead. A key may hold dots: the longest that is there is taken. */
function findRange({ document, text }: Parsed, words: readonly string[], range?: { start: number; end: number }): Range {
  let node: Node | null = document.contents;
  let key: Range | undefined;
  let rest = words.filter((word) => word !== '');
  while (rest.length > 0) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    const next = isMap(node) ? inMap(node.items as Pairs, rest) : isSeq(node) ? inList(node.items as Node[], rest) : undefined;
    if (next === undefined) break;
    ({ node, key = key, rest } = next);
  }
  if (rest.length > 0 || !isScalar(node)) return key ?? rangeOf(node) ?? [0, 1];
  const [start, end] = rangeOf(node) ?? key ?? [0, 1];
  if (range === undefined) return [start, end];
  return node.type === Scalar.BLOCK_LITERAL ? withinBlock(text, node, start, range) : within(node, start, end, range);
}

type Pairs = { key: unknown; value: unknown }[];
interface Step {
  node: Node | null;
  key?: Range | undefined;
  rest: string[];
}

function inMap(pairs: Pairs, words: readonly string[]): Step | undefined {
  for (let count = words.length; count > 0; count -= 1) {
    const name = words.slice(0, count).join('.');
    const pair = pairs.find(({ key }) => isScalar(key) && String(key.value) === name);
    if (pair === undefined) continue;
    return { node: (pair.value as Node | null) ?? null, key: rangeOf(pair.key), rest: words.slice(count) };
  }
  return undefined;
}

function inList(items: readonly Node[], [word = '', ...rest]: readonly string[]): Step | undefined {
  const node = /^\d+$/.test(word) ? items[Number(word)] : undefined;
  return node === undefined ? undefined : { node, key: rangeOf(node), rest };
}

function rangeOf(node: unknown): Range | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const [start, end] = node.range as number[];
  return start === undefined || end === undefined ? undefined : [start, end];
}

/** Characters inside a text: where quotes or folds stand between it and the file, the whole of it. */
function within(node: Scalar, start: number, end: number, { start: from, end: to }: { start: number; end: number }): Range {
  const length = String(node.value).length;
  const quotes = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE ? 1 : 0;
  if (end - start !== length + 2 * quotes) return [start, end];
  return [start + quotes + from, start + quotes + Math.max(to, from + 1)];
}

/** Characters of a text that stands below `|`, each of its lines behind the same indent. */
function withinBlock(text: string, node: Scalar, start: number, { start: from, end: to }: { start: number; end: number }): Range {
  const before = String(node.value).slice(0, from).split('\n');
  const first = text.indexOf('\n', start) + 1;
  const lines = text.slice(first).split('\n');
  const indent = lines.find((line) => line.trim() !== '')?.search(/\S/) ?? 0;
  const above = lines.slice(0, before.length - 1).reduce((sum, line) => sum + line.length + 1, 0);
  const at = first + above + indent + (before.at(-1)?.length ?? 0);
  return [at, at + Math.max(1, to - from)];
}
