import { cborDecode, cborEncode, type TelemetryKind, type TelemetryRecord, telemetryRecordSchema } from '@starling/shared';
import { frameRecord, readFrames } from '../journal/index.ts';
import type { FileStore } from '../ports/file-store.ts';

/** Records of one kind of one stream, in files of a bounded size. A file is named by the first sequence that it holds. */
export interface Segment {
  name: string;
  first: number;
  last: number;
  sizeBytes: number;
}

/** Small enough to read whole, large enough that a day offline is not thousands of files. */
export const SEGMENT_BYTES = 64 * 1024;

export function segmentName(streamId: string, kind: TelemetryKind, first: number): string {
  return `spool-${streamId}-${kind}-${String(first).padStart(12, '0')}`;
}

export function parseSegmentName(name: string): { streamId: string; kind: TelemetryKind; first: number } | undefined {
  const match = /^spool-([a-z2-7]{26})-([a-z]+)-(\d{12})$/.exec(name);
  if (match === null) return undefined;
  return { streamId: match[1] ?? '', kind: match[2] as TelemetryKind, first: Number(match[3]) };
}

export function encodeRecord(record: TelemetryRecord): Uint8Array {
  return frameRecord(cborEncode(record));
}

/** Whole records of a segment; a torn end, as kill -9 or a power cut leave it, is passed over. */
export async function readSegment(files: FileStore, name: string): Promise<TelemetryRecord[]> {
  const bytes = await files.read(name);
  if (bytes === undefined) return [];
  return readFrames(bytes).records.map((record) => cborDecode(record, telemetryRecordSchema));
}
