import {
  checkPipeline,
  type GraphContext,
  type GraphProblem,
  nodeKindSchemas,
  type Pipeline,
  type PipelineNode,
  pipelineSchema,
  wordsOfIssue,
} from '@starling/shared';
import { type Document, LineCounter } from 'yaml';
import { z } from 'zod';
import type { GraphDocument } from '../../graph/graph-document.ts';
import { locate, type Place } from './locate.ts';
import { parseText } from './parse-text.ts';

export interface DraftProblem {
  code: string;
  /** Path in the document, e.g. `edges.3.to`; empty for the document itself. */
  field: string;
  message: string;
  hint?: string;
  /** Where it stands in the text. */
  from: number;
  to: number;
  line: number;
}

export interface Draft {
  name: string;
  version: string;
  /** What can be drawn of it, however much is still wrong. */
  graph: GraphDocument;
  /** The pipeline, once nothing is wrong about its form. */
  pipeline: Pipeline | undefined;
  problems: DraftProblem[];
  /** Whether the text could be read at all: otherwise nothing is known of it but its problems. */
  isRead: boolean;
}

/** A pipeline as a person writes it: what is the same in all of them need not stand there. */
const writtenSchema = pipelineSchema.extend({
  kind: pipelineSchema.shape.kind.default('pipeline'),
  schemaVersion: pipelineSchema.shape.schemaVersion.default(1),
});

/**
 * Reads the text of a pipeline and says everything that is wrong about it, with its place.
 * @param context what nodes may name; undefined while that is not known yet, then the graph is not checked
 */
export function readDraft(text: string, context: GraphContext | undefined): Draft {
  const lines = new LineCounter();
  const { document, value, errors } = parseText(text, lines);
  const at = (from: number, to: number): Pick<DraftProblem, 'from' | 'to' | 'line'> => ({ from, to, line: lines.linePos(from).line });
  if (errors.length > 0) {
    const hint = 'look at the indentation, the colons and the brackets here';
    const problems = errors.map(({ message, from, to }): DraftProblem => ({ code: 'not-yaml', field: '', message, hint, ...at(from, to) }));
    return { name: '', version: '', pipeline: undefined, graph: graphOf(undefined), problems, isRead: false };
  }
  const parsed = writtenSchema.safeParse(value);
  const found = parsed.success ? (context === undefined ? [] : checkPipeline(parsed.data, context)) : parsed.error.issues.map(formProblem);
  const problems = found.map((problem): DraftProblem => {
    const { from, to } = placeOf(problem, document, value);
    return { ...problem, ...at(Math.min(from, Math.max(0, text.length - 1)), Math.min(to, text.length)) };
  });
  const { name = '', version = '' } = (isRecord(value) ? value : {}) as { name?: unknown; version?: unknown };
  return {
    ...{ name: String(name), version: String(version), graph: parsed.success ? parsed.data : graphOf(value) },
    ...{ pipeline: parsed.success ? parsed.data : undefined, problems: problems.toSorted((a, b) => a.from - b.from), isRead: true },
  };
}

/** Where a problem stands: the part of a word that it is about, and a key that should not be there rather than all around it. */
function placeOf(
  { field, code, key, range }: FormProblem & Pick<GraphProblem, 'key' | 'range'>,
  document: Document,
  value: unknown,
): Place {
  if (key !== undefined) return locate(document, `${field}.${key}`, 'name');
  const place = locate(document, field, code === 'unknown-key' ? 'name' : 'value');
  const written = valueAt(value, field.split('.'));
  // Where quotes or escapes stand in the text, places in the value are others than those in the text.
  const isPlain = typeof written === 'string' && place.to - place.from === written.length;
  return range === undefined || !isPlain
    ? place
    : { from: place.from + range.start, to: place.from + Math.max(range.end, range.start + 1) };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (isRecord(inner) ? inner[String(key)] : undefined), value);
}

type FormProblem = Pick<DraftProblem, 'code' | 'field' | 'message' | 'hint'>;

function formProblem(issue: z.core.$ZodIssue): FormProblem {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const field = [...path, issue.keys[0] ?? ''].join('.');
    return {
      code: 'unknown-key',
      field,
      message: `there is no ${issue.keys.map((key) => `"${key}"`).join(', ')} here`,
      hint: 'correct or remove it',
    };
  }
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  const words = isMissing
    ? { message: `${String(path.at(-1) ?? 'it')} is missing`, hint: `add "${String(path.at(-1))}"` }
    : wordsOfIssue(issue);
  return { code: 'invalid-form', field: path.join('.'), ...words };
}

function schemaOf(node: Readonly<Record<string, unknown>>) {
  const kind = (Object.keys(nodeKindSchemas) as (keyof typeof nodeKindSchemas)[]).find((key) => key in node);
  return kind === undefined ? undefined : nodeKindSchemas[kind];
}

/** What can be drawn of a document of which parts are wrong: those are left out, or drawn by their name alone. */
function graphOf(value: unknown): GraphDocument {
  const record = isRecord(value) ? value : {};
  const pipelines = isRecord(record['pipelines']) ? record['pipelines'] : {};
  return {
    ...partsOf(record),
    pipelines: Object.fromEntries(Object.entries(pipelines).map(([name, inner]) => [name, partsOf(isRecord(inner) ? inner : {})])),
    monitors: {},
  };
}

function partsOf(record: Readonly<Record<string, unknown>>): Pick<GraphDocument, 'inputs' | 'outputs' | 'nodes' | 'edges'> {
  const texts = z.record(z.string(), z.string()).catch({});
  const edge = pipelineSchema.shape.edges.element;
  const edges = Array.isArray(record['edges']) ? record['edges'] : [];
  const nodes = isRecord(record['nodes']) ? Object.entries(record['nodes']) : [];
  return {
    ...{ inputs: texts.parse(record['inputs'] ?? {}), outputs: texts.parse(record['outputs'] ?? {}) },
    nodes: Object.fromEntries(nodes.map(([name, node]) => [name, drawableNode(node)])),
    edges: edges.flatMap((each) => edge.safeParse(each).data ?? []),
  };
}

/** The node without what is wrong in it. */
function drawableNode(node: unknown): PipelineNode {
  const unknown = nodeKindSchemas.op.parse({ op: '?' });
  if (!isRecord(node)) return unknown;
  const schema = schemaOf(node);
  if (schema === undefined) return unknown;
  const first = schema.safeParse(node);
  if (first.success) return first.data;
  const wrong = new Set(first.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path[0])])));
  const rest = Object.fromEntries(Object.entries(node).filter(([key]) => !wrong.has(key)));
  return schema.safeParse(rest).data ?? unknown;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
