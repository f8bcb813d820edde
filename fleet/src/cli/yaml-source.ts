import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from 'yaml';

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
  errors: { message: string; place: Place }[];
  /**
   * The nearest place to a field, such as `edges.3.to`: its value, or its key where that is a whole block; what it would stand in where
   * it is not there.
   * @param range characters of the text that stands there
   */
  placeOf(field: string, range?: { start: number; end: number }): Place;
}

export function readYaml(file: string, text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (start: number, end: number): Place => {
    const { line, col } = lines.linePos(start);
    const first = lines.lineStarts[line - 1] ?? 0;
    const [whole = ''] = text.slice(first).split(/\r?\n/, 1);
    return { file, line, column: col, length: Math.max(1, Math.min(end - start, whole.length - col + 1)), text: whole };
  };
  const errors = document.errors.map(({ message, pos: [start, end] }) => ({ message: sentence(message), place: placeAt(start, end) }));
  return {
    file,
    value: errors.length > 0 ? undefined : toValue(document),
    errors,
    placeOf(field, range) {
      const [start, end] = findRange(document, field.split('.'), range);
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

/** Follows the words of a field as far as they lead. A key may hold dots: the longest that is there is taken. */
function findRange(document: Document.Parsed, words: readonly string[], range?: { start: number; end: number }): Range {
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
  return range === undefined ? [start, end] : within(node, start, end, range);
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
