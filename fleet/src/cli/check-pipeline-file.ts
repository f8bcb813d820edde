import {
  checkPipeline,
  type GraphProblem,
  type ModelPorts,
  nearestName,
  nodeKindSchemas,
  operatorRegistry,
  type Pipeline,
  pipelineFileSchema,
  wordsOfIssue,
} from '@starling/shared';
import type { z } from 'zod';
import { checkScripts } from '../scripts/index.ts';
import type { FileProblem, PipelineFile } from './pipeline-file.ts';

export interface CheckedFile {
  /** Undefined where it is not even what a pipeline looks like. */
  document: Pipeline | undefined;
  /** In the order of the file. */
  problems: FileProblem[];
}

/** What the graph is checked with where the fleet does not do it. */
export interface LocalModels {
  models: ReadonlyMap<string, ModelPorts>;
  /** Whether others may be at a fleet that was not asked. */
  mayBeElsewhere: boolean;
}

/** Everything that can be said about a file without a fleet: its form, then the graph, as far as its form allows. */
export function checkPipelineFile(file: PipelineFile, { models, mayBeElsewhere }: LocalModels): CheckedFile {
  if (file.problems.some(({ code }) => code === 'bad-yaml')) return { document: undefined, problems: inOrder(file.problems) };
  const parsed = pipelineFileSchema.safeParse(file.value);
  const ofForm = parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOfIssue(issue, file));
  const document = parsed.success ? parsed.data : repaired(file.value, parsed.error.issues);
  const context = { operators: operatorRegistry, models, modelsMayBeElsewhere: mayBeElsewhere };
  const found = document === undefined ? [] : [...checkPipeline(document, context), ...checkScripts(document)];
  const ofGraph = parsed.success ? found : found.filter((problem) => document !== undefined && !isOfRepair(problem, document));
  // What could not be read was reported; that it is not there follows from it.
  const unresolved = new Set(file.problems.map(({ field }) => field));
  const placed = ofGraph.filter(({ field }) => !unresolved.has(field)).map((problem) => atPlace(problem, file));
  return { document: parsed.success ? document : undefined, problems: inOrder([...file.problems, ...ofForm, ...placed]) };
}

/** Those of a fleet of an older version may come without a hint. */
type Told = Omit<GraphProblem, 'code' | 'hint'> & { code: string; hint?: string | undefined };

export function atPlace({ range, key, ...problem }: Told, file: PipelineFile): FileProblem {
  const place = key === undefined ? file.placeOf(problem.field, range) : keyPlace(file, `${problem.field}.${key}`);
  return { ...problem, place };
}

export function inOrder(problems: readonly FileProblem[]): FileProblem[] {
  return problems.toSorted(
    ({ place: left }, { place: right }) =>
      Number(left.file > right.file) - Number(left.file < right.file) || left.line - right.line || left.column - right.column,
  );
}

function problemsOfIssue(issue: z.core.$ZodIssue, file: PipelineFile): FileProblem[] {
  const path = issue.path.map(String);
  const field = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path, file.value);
    return issue.keys.map((key) => {
      const near = nearestName(key, known);
      const hint = near === undefined ? (known.length === 0 ? 'remove it' : `there are: ${known.join(', ')}`) : `did you mean "${near}"?`;
      const own = [...path, key].join('.');
      return { code: 'unknown-key', field: own, message: `"${key}" means nothing here`, hint, place: keyPlace(file, own) };
    });
  }
  const isMissing = issue.code === 'invalid_type' && /received undefined/.test(issue.message);
  const words = wordsOfIssue(issue);
  const message = isMissing ? `${path.at(-1) ?? 'it'} is missing` : words.message;
  const hint = isMissing ? `add "${path.at(-1)}: ..."` : (hintOfField(field, file.value) ?? hintOf(issue) ?? words.hint);
  return [{ code: 'invalid-document', field, message, ...(hint === undefined ? {} : { hint }), place: file.placeOf(field) }];
}

/** The key rather than its value: the word itself is wrong. */
function keyPlace(file: PipelineFile, field: string): FileProblem['place'] {
  const place = file.placeOf(field);
  const key = field.slice(field.lastIndexOf('.') + 1);
  const at = place.text.slice(0, place.column - 1).lastIndexOf(key);
  return at < 0 ? place : { ...place, column: at + 1, length: key.length };
}

/** What the two fields that every document begins with would have to be. */
function hintOfField(field: string, value: Readonly<Record<string, unknown>>): string | undefined {
  const written = value[field];
  if (field === 'name' && typeof written === 'string') {
    const name = written
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]+/g, '-')
      .replaceAll(/^[^a-z0-9]+|-+$/g, '')
      .slice(0, 64);
    return name === '' ? undefined : `write ${name}`;
  }
  if (field !== 'version') return undefined;
  const numbers = /^v?(\d+)(?:\.(\d+))?$/.exec(String(written));
  return numbers === null ? 'write three numbers, such as 1.0.0' : `write ${numbers[1]}.${numbers[2] ?? 0}.0`;
}

/** Of a node that is of no kind: the kind whose key was most likely meant. */
function hintOf(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_type' && issue.expected === 'boolean') return 'write true or false';
  const keys: unknown = issue.code === 'custom' ? issue.params?.['keys'] : undefined;
  if (!Array.isArray(keys)) return undefined;
  const names = Object.keys(nodeKindSchemas);
  const near = keys.flatMap((key) => nearestName(String(key), names) ?? []);
  return near.length === 1 ? `did you mean "${near[0]}"?` : `a node has one of ${names.join(', ')}`;
}

function knownKeys(path: readonly string[], value: unknown): string[] {
  if (path.length === 0) return Object.keys(pipelineFileSchema.shape);
  const [, name = ''] = /(?:^|\.)nodes\.([^.]+)$/.exec(path.join('.')) ?? [];
  if (name !== '') {
    const node = path.reduce<unknown>((inner, key) => (isRecord(inner) ? inner[key] : undefined), value);
    const kind = Object.entries(nodeKindSchemas).find(([key]) => isRecord(node) && Object.hasOwn(node, key));
    return kind === undefined ? [] : Object.keys(kind[1].shape);
  }
  return path[0] === 'edges' && path.length === 2 ? ['from', 'to', 'queue'] : [];
}

const stub = 'unreadable';

/**
 * The document without what is wrong with its form, so that its graph is checked all the same; undefined where what is wrong would
 * let other things look wrong.
 */
function repaired(value: Readonly<Record<string, unknown>>, issues: readonly z.core.$ZodIssue[]): Pipeline | undefined {
  const copy: Record<string, unknown> = structuredClone({ ...value });
  const usual: Record<string, unknown> = { name: stub, version: '0.0.0' };
  for (const { path, ...issue } of issues) {
    const [first, second] = path.map(String);
    if (first === undefined && issue.code === 'unrecognized_keys') for (const key of issue.keys) delete copy[key];
    else if (first === 'nodes' && second !== undefined && isRecord(copy['nodes'])) copy['nodes'][second] = { op: stub };
    else if (first === 'monitors' && second !== undefined && isRecord(copy['monitors'])) delete copy['monitors'][second];
    else if (
      first !== undefined &&
      ['description', 'queue', 'concurrency', 'deadlineMs', 'priority', 'kind', 'schemaVersion'].includes(first)
    ) {
      delete copy[first];
    } else if (first !== undefined && Object.hasOwn(usual, first)) copy[first] = usual[first];
    else return undefined;
  }
  return pipelineFileSchema.safeParse(copy).data;
}

/** What a node names that was taken out is used by nobody else. */
function isOfRepair({ code, field }: GraphProblem, { nodes }: Pipeline): boolean {
  if (code === 'unused-pipeline' || code === 'unused-parameter') return true;
  const [, name = ''] = /^nodes\.([^.]+)\.op$/.exec(field) ?? [];
  const node = nodes[name];
  return code === 'unknown-operator' && node !== undefined && 'op' in node && node.op === stub;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
