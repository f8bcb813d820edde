import protobuf from 'protobufjs';

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
 * Finds the data of all larger tensors by walking the wire format. Chunks that start and end there let a device fetch only the tensors
 * that changed.
 * @returns regions in ascending order that do not overlap
 */
export function tensorRegions(bytes: Uint8Array): TensorRegion[] {
  const regions: TensorRegion[] = [];
  walk(protobuf.Reader.create(bytes), bytes.length, 'model', regions);
  return regions.sort((a, b) => a.offset - b.offset);
}

function walk(reader: protobuf.Reader, end: number, message: string, regions: TensorRegion[]): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const next = ways[message]?.[tag >>> 3];
    if (next === undefined || (tag & 7) !== 2) {
      reader.skipType(tag & 7);
      continue;
    }
    const length = reader.uint32();
    const offset = reader.pos;
    if (next !== 'data') walk(reader, offset + length, next, regions);
    else if (length >= REGION_BYTES_MINIMUM) regions.push({ offset, length });
    reader.pos = offset + length;
  }
}
