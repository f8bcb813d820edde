import { type Document, isMap, isNode, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml';

export interface Place {
  from: number;
  to: number;
}

/**
 * Where a field stands in the text: its value if that is a single word, else its name. A field that is not there is looked for as far as
 * its path leads.
 * @param field path with dots; names of ports may have dots too, so the longest name that fits is taken
 * @param part `name`: what is wrong is that the field is there at all
 */
export function locate(document: Document, field: string, part: 'name' | 'value' = 'value'): Place {
  let node: unknown = document.contents;
  let place: Place = { from: 0, to: 1 };
  let rest = field === '' ? [] : field.split('.');
  while (rest.length > 0) {
    const step = stepInto(node, rest);
    if (step === undefined) break;
    const isWhole = step.taken === rest.length;
    place = (isWhole && part === 'name' ? rangeOf(step.key) : undefined) ?? placeOf(step.value, step.key) ?? place;
    node = step.value;
    rest = rest.slice(step.taken);
  }
  return place;
}

interface Step {
  key: unknown;
  value: unknown;
  /** How many parts of the path it took. */
  taken: number;
}

function stepInto(node: unknown, path: readonly string[]): Step | undefined {
  if (isSeq(node)) {
    const value: unknown = node.items[Number(path[0])];
    return value === undefined ? undefined : { key: undefined, value, taken: 1 };
  }
  if (!isMap(node)) return undefined;
  for (let taken = path.length; taken > 0; taken -= 1) {
    const name = path.slice(0, taken).join('.');
    const pair: Pair | undefined = node.items.find((each) => isPair(each) && nameOf(each.key) === name);
    if (pair !== undefined) return { key: pair.key, value: pair.value, taken };
  }
  return undefined;
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function placeOf(value: unknown, key: unknown): Place | undefined {
  const [own, name] = [rangeOf(value), rangeOf(key)];
  if (name === undefined) return own;
  return own !== undefined && isScalar(value) && own.to > own.from ? own : name;
}

function rangeOf(node: unknown): Place | undefined {
  const range = isNode(node) ? (node as Node).range : undefined;
  if (range == null) return undefined;
  return { from: range[0], to: Math.max(range[1], range[0] + 1) };
}
