import {
  type CaptureCounts,
  type CaptureEnd,
  type CaptureManifest,
  captureCountsSchema,
  captureEndSchema,
  captureItemSchema,
  captureManifestSchema,
  cborDecode,
  cborEncode,
  wallMsSchema,
} from '@starling/shared';
import { z } from 'zod';
import { frameRecord, readFrames } from '../journal/index.ts';
import type { FileStore } from '../ports/file-store.ts';

/** What is known when a capture begins. */
export const captureHeadSchema = captureManifestSchema
  .pick({ id: true, device: true, account: true, pipeline: true, release: true, edges: true, asked: true, startedAtMs: true })
  .extend({ notAfterMs: wallMsSchema });
export type CaptureHead = z.infer<typeof captureHeadSchema>;

const recordSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('begun'), head: captureHeadSchema }),
  z.object({ type: z.literal('resumed'), atMs: wallMsSchema }),
  z.object({ type: z.literal('kept'), kept: captureItemSchema, counts: captureCountsSchema }),
  z.object({ type: z.literal('ended'), end: captureEndSchema, counts: captureCountsSchema, atMs: wallMsSchema }),
]);
export type CaptureRecord = z.infer<typeof recordSchema>;

/** Where a capture stands on the disk. */
export interface CaptureState {
  head: CaptureHead;
  items: number;
  interruptions: number;
  counts: CaptureCounts;
  sizeBytes: number;
  ended: { end: CaptureEnd; atMs: number } | undefined;
}

const PREFIX = 'capture-';

export const nothingCounted: CaptureCounts = { seen: 0, skipped: 0, rate: 0, busy: 0, disk: 0 };

export function captureFileOf(id: string): string {
  return `${PREFIX}${id}`;
}

/** Ids of captures that have a file. */
export async function listCaptures(files: FileStore): Promise<string[]> {
  return (await files.list(PREFIX)).map(({ name }) => name.slice(PREFIX.length));
}

export function encodeCaptureRecord(record: CaptureRecord): Uint8Array {
  return frameRecord(cborEncode(record));
}

/** @returns undefined where not even its head was written whole */
export function captureStateOf(bytes: Uint8Array): CaptureState | undefined {
  const { records, wholeBytes } = readFrames(bytes);
  const [first, ...rest] = records.map((record) => cborDecode(record, recordSchema));
  if (first?.type !== 'begun') return undefined;
  const state: CaptureState = {
    head: first.head,
    items: 0,
    interruptions: 0,
    counts: nothingCounted,
    sizeBytes: wholeBytes,
    ended: undefined,
  };
  for (const record of rest) {
    if ('counts' in record) state.counts = record.counts;
    if (record.type === 'resumed') state.interruptions += 1;
    if (record.type === 'kept') state.items += 1;
    if (record.type === 'ended') state.ended = { end: record.end, atMs: record.atMs };
  }
  return state;
}

/** What a life before this one left behind; a torn end is cut off, so that what is added behind it can be read. */
export async function readCapture(files: FileStore, id: string): Promise<CaptureState | undefined> {
  const name = captureFileOf(id);
  const bytes = await files.read(name);
  if (bytes === undefined) return undefined;
  const state = captureStateOf(bytes);
  if (state !== undefined && state.sizeBytes < bytes.length) await files.write(name, bytes.slice(0, state.sizeBytes));
  return state;
}

/** The file as it is uploaded: a `Capture` in CBOR. */
export function captureDocument(bytes: Uint8Array, manifest: CaptureManifest): Uint8Array {
  const items = readFrames(bytes).records.flatMap((each) => {
    const record = cborDecode(each, recordSchema);
    return record.type === 'kept' ? [record.kept] : [];
  });
  return cborEncode({ manifest: { ...manifest, items: items.length }, items });
}
