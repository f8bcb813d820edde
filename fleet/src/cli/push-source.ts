import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { isStarlingError, MODEL_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import type { Context } from './context.ts';
import { requireFile } from './document-files.ts';
import { formatBytes } from './printable.ts';

/** What is uploaded as the model. */
export interface PushSource {
  file: string;
  sizeBytes: number;
  /** Its bytes, where they are not those of the file. Each time anew, for an upload may break off. */
  open?: () => Readable;
  close(): void;
}

/**
 * An ONNX file, joined with the data that it keeps in other files beside it: the fleet takes models as one file.
 * @param field what to call the file in errors
 * @throws StarlingError `bad-file`; `external-data-missing`, `external-data-path`, `external-data-corrupt`, `model-too-large` with the field
 */
export async function openPushSource({ output }: Pick<Context, 'output'>, file: string, field: string): Promise<PushSource> {
  const sizeBytes = await requireFile(file, field, MODEL_BYTES_MAXIMUM);
  // Read only here: it parses the schema of ONNX, which no other command needs.
  const { joinExternalData } = await import('../artefacts/onnx/index.ts');
  const joined = named(field, () => joinExternalData(file));
  if (joined === undefined) return { file, sizeBytes, close: () => undefined };
  output.notice(`${basename(file)} keeps its data in ${joined.files.join(', ')}: joined to ${formatBytes(joined.byteLength)}`);
  return { file, sizeBytes: joined.byteLength, open: () => Readable.from(joined.pieces(), { objectMode: false }), close: joined.close };
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
