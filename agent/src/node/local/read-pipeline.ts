import { readFile } from 'node:fs/promises';
import {
  checkPipeline,
  firstProblemOf,
  type GraphProblem,
  messageOf,
  operatorRegistry,
  type ParameterValues,
  type Pipeline,
  pipelineSchema,
  StarlingError,
} from '@starling/shared';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';

/** A pipeline as a person wrote it, and where each of its fields stands. */
export interface PipelineFile {
  path: string;
  pipeline: Pipeline;
  /** `file:line:column` of a field such as `nodes.detect.params.threshold`, or of what it stands in. */
  placeOf(field: string): string;
}

/** `kind` and `schemaVersion` are the same in every pipeline, so a person need not write them. */
const fileSchema = pipelineSchema.extend({
  kind: pipelineSchema.shape.kind.default('pipeline'),
  schemaVersion: pipelineSchema.shape.schemaVersion.default(1),
  version: pipelineSchema.shape.version.default('0.0.0'),
});

/** Reads YAML or JSON. @throws StarlingError `bad-file`, `bad-pipeline` with place and field */
export async function readPipelineFile(path: string): Promise<PipelineFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new StarlingError('bad-file', `${path} cannot be read: ${messageOf(cause)}`, { field: 'file', cause });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new StarlingError('bad-pipeline', `${path}:${line}:${col}: ${broken.message.split('\n')[0]}`, { field: 'file' });
  }
  const placeOf = (field: string): string => placeIn(document, lines, path, field);
  const parsed = fileSchema.safeParse(document.toJS());
  if (parsed.success) return { path, pipeline: parsed.data, placeOf };
  const { field, message } = firstProblemOf(parsed.error);
  throw new StarlingError('bad-pipeline', `${placeOf(field)}: ${field === '' ? '' : `${field}: `}${message}`, { field });
}

/**
 * Checks the graph as the fleet does when it is pushed; models are taken to have the ports that are used.
 * @throws StarlingError `pipeline-has-problems` with every one of them
 */
export function requireSound({ pipeline, placeOf }: PipelineFile, parameters: ParameterValues): void {
  const problems = checkPipeline(pipeline, { operators: operatorRegistry, models: new Map(), modelsMayBeElsewhere: true, parameters });
  const [first] = problems;
  if (first === undefined) return;
  const lineOf = ({ field, message, hint }: GraphProblem): string =>
    `${placeOf(field)}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
  throw new StarlingError('pipeline-has-problems', problems.map(lineOf).join('\n'), { field: first.field });
}

/** The innermost part of the field that stands in the text. */
function placeIn(document: Document, lines: LineCounter, path: string, field: string): string {
  const parts = field === '' ? [] : field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  for (let length = parts.length; length > 0; length -= 1) {
    const node = document.getIn(parts.slice(0, length), true);
    if (!isNode(node) || node.range == null) continue;
    const { line, col } = lines.linePos(node.range[0]);
    return `${path}:${line}:${col}`;
  }
  return `${path}:1:1`;
}
