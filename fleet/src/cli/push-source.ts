import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { BLOB_BYTES_MAXIMUM, isStarlingError, MODEL_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import type { Context } from './context.ts';
import { requireFile } from './document-files.ts';
import { formatBytes } from './printable.ts';

/** What is uploaded as the model. */
export interface PushSource extends PushPart {
  /** Its weights, where one file cannot hold them or shall not. */
  weights?: PushPart;
  close(): void;
}

export interface PushPart {
  file: string;
  sizeBytes: number;
  /** Its bytes, where they are not those of the file. Each time anew, for an upload may break off. */
  open?: () => Readable;
}

/**
 * An ONNX file, joined with the data that it keeps in other files beside it; or split into its graph and its weights, where that is too
 * much for one file.
 * @param apart whether to split it however small it is
 * @param field what to call the file in errors
 * @throws StarlingError `bad-file`; `external-data-missing`, `external-data-path`, `external-data-corrupt`, `no-weights`, `model-too-large` with the field
 */
export async function openPushSource({ output }: Pick<Context, 'output'>, file: string, field: string, apart = false): Promise<PushSource> {
  const sizeBytes = await requireFile(file, field, apart ? BLOB_BYTES_MAXIMUM : MODEL_BYTES_MAXIMUM);
  // Read only here: it parses the schema of ONNX, which no other command needs.
  const { joinExternalData, splitModel } = await import('../artefacts/onnx/index.ts');
  const split = named(field, () => splitModel(file, { always: apart }));
  if (split !== undefined) {
    const { graph, weights, close } = split;
    output.notice(
      `${basename(file)} is sent in two: its graph, ${formatBytes(graph.byteLength)}, and weights of ${formatBytes(weights.byteLength)}`,
    );
    return { ...partOf(file, graph), weights: partOf(`${file} (weights)`, weights), close };
  }
  const joined = named(field, () => joinExternalData(file));
  if (joined === undefined) return { file, sizeBytes, close: () => undefined };
  output.notice(`${basename(file)} keeps its data in ${joined.files.join(', ')}: joined to ${formatBytes(joined.byteLength)}`);
  return { ...partOf(file, joined), close: joined.close };
}

function partOf(file: string, { byteLength, pieces }: { byteLength: number; pieces(): Iterable<Uint8Array> }): PushPart {
  return { file, sizeBytes: byteLength, open: () => Readable.from(pieces(), { objectMode: false }) };
}

/** Errors of models are about the model; here that is an argument. */
function named<Value>(field: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (!isStarlingError(error)) throw error;
    const { code, message, hint, cause } = error;
    throw new StarlingError(code, message, { field, ...(hint === undefined ? {} : { hint }), cause });
  }
}
