import { openFileSource } from './payload.ts';
import { WIRE_LENGTH, type WireReader, wireReader } from './wire.ts';

/** Where the data of one tensor lies in an ONNX file, in bytes. */
export interface TensorRegion {
  offset: number;
  length: number;
}

/** Smaller tensors do not get chunks of their own: their digests would cost more than they save. */
const REGION_BYTES_MINIMUM = 1024;

/** Field numbers of onnx.proto on the ways from the model to tensor data. */
const ways: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph' },
  tensor: { 4: 'data', 9: 'data' },
};

/**
 * Finds the data of all larger tensors by walking the wire format, of which only the headers are read. Chunks that start and end there
 * let a device fetch only the tensors that changed.
 * @returns regions in ascending order that do not overlap
 */
export function tensorRegionsOfFile(file: string): TensorRegion[] {
  const source = openFileSource(file);
  try {
    const regions: TensorRegion[] = [];
    walk(wireReader(source), 0, source.byteLength, 'model', regions);
    return regions.sort((a, b) => a.offset - b.offset);
  } finally {
    source.close();
  }
}

function walk(reader: WireReader, start: number, end: number, message: string, regions: TensorRegion[]): void {
  for (const field of reader.fields(start, end)) {
    const next = field.wireType === WIRE_LENGTH ? ways[message]?.[field.number] : undefined;
    if (next === undefined) continue;
    const length = field.end - field.start;
    if (next !== 'data') walk(reader, field.start, field.end, next, regions);
    else if (length >= REGION_BYTES_MINIMUM) regions.push({ offset: field.start, length });
  }
}
