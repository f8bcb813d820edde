import { INPUT_NODE, OUTPUT_NODE, parsePortReference } from '@starling/shared';
import { type Document, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { parseText } from './parse-text.ts';

/** A change of a pipeline as one makes it in the drawing. */
export type Edit =
  | { kind: 'add-node'; name: string; node: Readonly<Record<string, unknown>> }
  | { kind: 'remove-node'; name: string }
  | { kind: 'rename-node'; name: string; to: string }
  /** A port of a node that its parameters name, such as a case of a switch: what starts there goes on from the new name. */
  | { kind: 'rename-output'; node: string; name: string; to: string }
  | { kind: 'connect'; from: string; to: string }
  | { kind: 'disconnect'; index: number }
  /** Ports of the pipeline itself; their edges go with them. */
  | { kind: 'rename-port'; side: 'inputs' | 'outputs'; name: string; to: string }
  | { kind: 'remove-port'; side: 'inputs' | 'outputs'; name: string }
  | { kind: 'add-pipeline'; name: string; pipeline: Readonly<Record<string, unknown>> }
  /** Sets what stands at a path; without a value it is removed. */
  | { kind: 'set'; path: readonly (string | number)[]; value?: unknown };

/**
 * The text after a change. Comments, the order of keys, and how values are quoted stay as they were.
 * @returns the same text where it is no YAML: what is drawn then is older than what is written
 */
export function editText(text: string, ...edits: readonly Edit[]): string {
  const { document, errors, value } = parseText(text);
  if (errors.length > 0 || value === undefined) return text;
  try {
    for (const edit of edits) apply(document, edit);
    return document.toString({ lineWidth: 0, flowCollectionPadding: true });
  } catch {
    // A list or a word stands where the change looks for an object: the checker says so beside it.
    return text;
  }
}

function apply(document: Document, edit: Edit): void {
  switch (edit.kind) {
    case 'add-node':
      mapAt(document, 'nodes').set(edit.name, document.createNode(edit.node, { flow: isShort(edit.node) }));
      return;
    case 'remove-node':
      document.deleteIn(['nodes', edit.name]);
      keepEdges(document, ({ from, to }) => nodeOf(from) !== edit.name && nodeOf(to) !== edit.name);
      return;
    case 'rename-node':
      rename(document, edit.name, edit.to);
      return;
    case 'rename-output':
      moveReferences(document, (reference) => (reference === `${edit.node}.${edit.name}` ? `${edit.node}.${edit.to}` : undefined), [
        'from',
      ]);
      return;
    case 'connect': {
      // An input takes one line: a new one takes the place of the old.
      keepEdges(document, ({ to }) => to !== edit.to);
      edgesOf(document).add(document.createNode({ from: edit.from, to: edit.to }, { flow: true }));
      return;
    }
    case 'disconnect':
      keepEdges(document, (_edge, index) => index !== edit.index);
      return;
    case 'rename-port':
      renamePort(document, edit);
      return;
    case 'remove-port': {
      const gone = sideReference(edit.side, edit.name);
      document.deleteIn([edit.side, edit.name]);
      keepEdges(document, ({ from, to }) => from !== gone && to !== gone);
      return;
    }
    case 'add-pipeline':
      mapAt(document, 'pipelines').set(edit.name, document.createNode(edit.pipeline));
      return;
    case 'set':
      set(document, edit.path, edit.value);
      return;
  }
}

/** In one line if it is as short as people write it. */
function isShort(value: Readonly<Record<string, unknown>>): boolean {
  return JSON.stringify(value).length < 70;
}

function set(document: Document, path: readonly (string | number)[], value: unknown): void {
  if (value === undefined) {
    document.deleteIn([...path]);
    const parent = path.slice(0, -1);
    const left: unknown = parent.length === 0 ? undefined : document.getIn(parent, true);
    // What held only this is gone with it: `params: {}` says nothing.
    if (isMap(left) && left.items.length === 0 && isOptionalHolder(parent)) set(document, parent, undefined);
    return;
  }
  const before: unknown = document.getIn(path, true);
  if (isScalar(before) && (typeof value !== 'object' || value === null)) (before as Scalar).value = value;
  else document.setIn([...path], document.createNode(value, { flow: typeof value === 'object' }));
}

function isOptionalHolder(path: readonly (string | number)[]): boolean {
  return ['params', 'queue', 'retry', 'state', 'parameters', 'monitors', 'pipelines'].includes(String(path.at(-1)));
}

function rename(document: Document, name: string, to: string): void {
  const nodes: unknown = document.get('nodes');
  const pair: Pair | undefined = isMap(nodes) ? nodes.items.find(({ key }) => keyOf(key) === name) : undefined;
  if (pair === undefined) return;
  if (isScalar(pair.key)) pair.key.value = to;
  else pair.key = to;
  moveReferences(document, (reference) => (nodeOf(reference) === name ? `${to}${reference.slice(name.length)}` : undefined), [
    'from',
    'to',
  ]);
}

/** @param moved what a reference becomes; undefined where it stays */
function moveReferences(document: Document, moved: (reference: string) => string | undefined, ends: readonly ('from' | 'to')[]): void {
  const move = (path: readonly (string | number)[]): void => {
    const before: unknown = document.getIn(path);
    const next = typeof before === 'string' ? moved(before) : undefined;
    if (next !== undefined) set(document, path, next);
  };
  for (const [index] of edgesOf(document).items.entries()) for (const end of ends) move(['edges', index, end]);
  for (const monitor of namesAt(document, 'monitors')) move(['monitors', monitor, 'edge']);
  for (const node of namesAt(document, 'nodes')) {
    const triggers: unknown = document.getIn(['nodes', node, 'triggers']);
    if (isSeq(triggers)) for (const [index] of triggers.items.entries()) move(['nodes', node, 'triggers', index]);
  }
}

/** A port of the pipeline itself, as edges name it. */
function sideReference(side: 'inputs' | 'outputs', name: string): string {
  return `${side === 'inputs' ? INPUT_NODE : OUTPUT_NODE}.${name}`;
}

function renamePort(document: Document, { side, name, to }: { side: 'inputs' | 'outputs'; name: string; to: string }): void {
  const ports: unknown = document.get(side);
  const pair: Pair | undefined = isMap(ports) ? ports.items.find(({ key }) => keyOf(key) === name) : undefined;
  if (pair === undefined || (isMap(ports) && ports.has(to))) return;
  if (isScalar(pair.key)) pair.key.value = to;
  else pair.key = to;
  for (const [index] of edgesOf(document).items.entries()) {
    for (const end of ['from', 'to']) {
      if (document.getIn(['edges', index, end]) === sideReference(side, name))
        set(document, ['edges', index, end], sideReference(side, to));
    }
  }
}

function keepEdges(document: Document, isKept: (edge: { from: string; to: string }, index: number) => boolean): void {
  const edges = edgesOf(document);
  edges.items = edges.items.filter((item, index) => {
    const { from, to } = isMap(item) ? { from: item.get('from'), to: item.get('to') } : { from: '', to: '' };
    return isKept({ from: String(from), to: String(to) }, index);
  });
}

function edgesOf(document: Document): YAMLSeq {
  const edges: unknown = document.get('edges');
  if (isSeq(edges)) {
    // An empty list is written as [], in which no edge would have a line of its own.
    if (edges.items.length === 0) edges.flow = false;
    return edges;
  }
  document.set('edges', document.createNode([]));
  return edgesOf(document);
}

function mapAt(document: Document, key: string): YAMLMap {
  const map: unknown = document.get(key);
  if (isMap(map)) {
    if (map.items.length === 0) map.flow = false;
    return map;
  }
  document.set(key, document.createNode({}));
  return mapAt(document, key);
}

function namesAt(document: Document, key: string): string[] {
  const map: unknown = document.get(key);
  return isMap(map) ? map.items.map((pair) => keyOf(pair.key)) : [];
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function nodeOf(reference: string): string {
  return parsePortReference(reference).node;
}

/** A name that no node has yet: `decode`, `decode-2`. */
export function freeName(wish: string, taken: readonly string[]): string {
  const used = new Set([...taken, INPUT_NODE, OUTPUT_NODE]);
  const base = wish.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^[-_]+|-+$/g, '') || 'node';
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!used.has(name)) return name;
  }
}

export interface Replacement {
  from: number;
  to: number;
  insert: string;
}

/** The smallest stretch of the text that a change replaces, so that the cursor and the history keep their places. */
export function replacementOf(before: string, after: string): Replacement | undefined {
  if (before === after) return undefined;
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}
