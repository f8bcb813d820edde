import { readFile } from 'node:fs/promises';
import { DOCUMENT_BYTES_MAXIMUM, isStarlingError, nearestName } from '@starling/shared';
import type { z } from 'zod';
import { requireFile } from './document-files.ts';
import { FileProblems } from './file-problems.ts';
import type { FileProblem } from './pipeline-file.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export interface SpecFile<Spec> {
  spec: Spec;
  /** What the fleet finds wrong with a field, at its place in the file; anything else as it is. */
  atPlace(error: unknown): unknown;
}

/** A kind of document that people write by hand. */
export interface SpecKind<Schema extends z.ZodObject> {
  schema: Schema;
  /** Of the error that names all problems. */
  code: string;
  hint: string;
  example: string;
  /** Keys that a part at a path may have, where the schema does not tell. */
  keysAt?(path: readonly string[]): string[] | undefined;
}

/**
 * Reads what a person wrote, YAML or JSON.
 * @throws StarlingError of the code of the kind with every problem, and its line and column; `bad-file`
 */
export async function readSpecFile<Schema extends z.ZodObject>(file: string, kind: SpecKind<Schema>): Promise<SpecFile<z.output<Schema>>> {
  await requireFile(file, '--file', DOCUMENT_BYTES_MAXIMUM);
  const source = readYaml(file, await readFile(file, 'utf8'));
  const refuse = (problems: readonly FileProblem[]): FileProblems => new FileProblems(kind.code, file, problems, kind.hint);
  if (source.errors.length > 0) throw refuse(source.errors.map((error) => ({ code: 'bad-yaml', field: '', ...error })));
  const { value } = source;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const hint = `write it like "${kind.example}", a line each`;
    throw refuse([{ code: 'bad-yaml', field: '', message: 'holds no keys and values', hint, place: source.placeOf('') }]);
  }
  const parsed = kind.schema.safeParse(value);
  if (!parsed.success) throw refuse(parsed.error.issues.flatMap((issue) => problemsOf(issue, source, kind)));
  return {
    spec: parsed.data,
    atPlace(error) {
      if (!isStarlingError(error) || error.field === undefined) return error;
      const field = error.field.replace(/^spec\./, '');
      const [first = ''] = field.split('.');
      if (!Object.hasOwn(kind.schema.shape, first)) return error;
      const { code, message, hint } = error;
      const problem = { code, field, message, ...(hint === undefined ? {} : { hint }), place: source.placeOf(field) };
      return new FileProblems(code, file, [problem], hint ?? kind.hint);
    },
  };
}

function problemsOf<Schema extends z.ZodObject>(issue: z.core.$ZodIssue, source: YamlSource, kind: SpecKind<Schema>): FileProblem[] {
  const path = issue.path.map(String);
  const field = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const known = kind.keysAt?.(path) ?? knownKeys(kind.schema, path);
      const near = nearestName(key, known);
      const hint = near === undefined ? `there are: ${known.join(', ')}` : `did you mean "${near}"?`;
      const own = [...path, key].join('.');
      return { code: 'unknown-key', field: own, message: `"${key}" means nothing here`, hint, place: source.placeOf(own) };
    });
  }
  const isMissing = issue.code === 'invalid_type' && /received undefined/.test(issue.message);
  const message = isMissing ? `${path.at(-1) ?? 'it'} is missing` : issue.message;
  const given: unknown = issue.code === 'custom' ? issue.params?.['keys'] : undefined;
  const near = Array.isArray(given) ? given.flatMap((key) => nearestName(String(key), kind.keysAt?.([...path]) ?? []) ?? []) : [];
  const hint = isMissing ? `add "${path.at(-1)}: ..."` : near[0] === undefined ? undefined : `did you mean "${near[0]}"?`;
  return [{ code: 'invalid-document', field, message, ...(hint === undefined ? {} : { hint }), place: source.placeOf(field) }];
}

/** Keys of the part at a path; those of the whole where it is not known. */
function knownKeys(whole: z.ZodObject, path: readonly string[]): string[] {
  let schema: unknown = whole;
  for (const key of path) schema = shapeOf(schema)?.[key] ?? elementOf(schema);
  return Object.keys(shapeOf(schema) ?? whole.shape);
}

/** Through optional values and defaults to what is inside. */
function inside(schema: unknown): Record<string, unknown> {
  const definition = (schema as { def?: Record<string, unknown> } | undefined)?.def ?? {};
  return definition['innerType'] === undefined ? definition : inside(definition['innerType']);
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return inside(schema)['shape'] as Record<string, unknown> | undefined;
}

function elementOf(schema: unknown): unknown {
  return inside(schema)['element'];
}
