import { assignmentSchema, cborDecode, cborEncode, powerModelSchema } from '@starling/shared';
import { z } from 'zod';
import type { FileStore } from '../ports/file-store.ts';
import { frameRecord, readFrames } from './frames.ts';

/** A release that has passed its probation on this device, with all that is needed to run it without the fleet. */
export const goodReleaseSchema = z.object({
  assignment: assignmentSchema,
  profile: z.object({ name: z.string(), powerModel: powerModelSchema }).optional(),
  telemetryWindowMs: z.number(),
  sinceMs: z.number(),
});
export type GoodRelease = z.infer<typeof goodReleaseSchema>;

/** What the journal records; the state of the agent is what replaying them gives. */
const entrySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('root'), signed: z.string() }),
  z.object({ type: z.literal('desired'), signed: z.string(), epoch: z.number(), generation: z.number() }),
  z.object({ type: z.literal('good'), release: goodReleaseSchema.nullable() }),
  z.object({ type: z.literal('failed'), release: z.string(), attempts: z.number() }),
  z.object({ type: z.literal('time'), trustedMs: z.number() }),
  z.object({ type: z.literal('executed'), id: z.string(), notAfterMs: z.number(), result: z.string() }),
]);
export type JournalEntry = z.infer<typeof entrySchema>;

export interface JournalState {
  /** Signed roots that were verified one by another, after those of the enrolment: each next start walks the whole way again. */
  roots: readonly string[];
  desired: { signed: string; epoch: number; generation: number } | null;
  /** Last good release: pinned on disk, and what runs if a newer one fails. */
  good: GoodRelease | null;
  previousGood: GoodRelease | null;
  /** Attempts per release that has failed since it was assigned. */
  failed: Record<string, number>;
  /** Latest time that the fleet has signed. */
  trustedMs: number | null;
  /** Commands that were executed, with their results, until they expire. */
  executed: Record<string, { notAfterMs: number; result: string }>;
}

export interface Journal {
  readonly state: Readonly<JournalState>;
  /** Durable when it returns. */
  record(entry: JournalEntry): Promise<void>;
}

const FILE = 'journal';
/** Beyond this the log is written anew from the state. */
const COMPACT_BYTES = 256 * 1024;

export function emptyState(): JournalState {
  return { roots: [], desired: null, good: null, previousGood: null, failed: {}, trustedMs: null, executed: {} };
}

/** One entry applied. Pure, so that every prefix of a log can be replayed in a test. */
export function applyEntry(state: JournalState, entry: JournalEntry): JournalState {
  switch (entry.type) {
    case 'root':
      return { ...state, roots: [...state.roots, entry.signed] };
    case 'desired':
      return { ...state, desired: { signed: entry.signed, epoch: entry.epoch, generation: entry.generation }, failed: {} };
    case 'good': {
      const changed = state.good?.assignment.release !== entry.release?.assignment.release;
      return { ...state, good: entry.release, previousGood: changed ? state.good : state.previousGood };
    }
    case 'failed':
      return { ...state, failed: { ...state.failed, [entry.release]: entry.attempts } };
    case 'time':
      return { ...state, trustedMs: Math.max(state.trustedMs ?? 0, entry.trustedMs) };
    case 'executed': {
      const nowMs = state.trustedMs ?? 0;
      const kept = Object.entries(state.executed).filter(([, { notAfterMs }]) => notAfterMs >= nowMs);
      return { ...state, executed: { ...Object.fromEntries(kept), [entry.id]: { notAfterMs: entry.notAfterMs, result: entry.result } } };
    }
  }
}

/** Opens the journal: replays what is whole, cuts off a torn end. */
export async function openJournal(files: FileStore): Promise<Journal> {
  const bytes = (await files.read(FILE)) ?? new Uint8Array(0);
  const { records, wholeBytes } = readFrames(bytes);
  let state = records.reduce((sofar, record) => applyEntry(sofar, cborDecode(record, entrySchema)), emptyState());
  let sizeBytes = wholeBytes;
  // A record appended behind a torn one would be lost with it.
  if (wholeBytes < bytes.length) await files.write(FILE, bytes.slice(0, wholeBytes));
  let torn = false;
  let writing: Promise<void> = Promise.resolve();

  const write = async (entry: JournalEntry): Promise<void> => {
    const next = applyEntry(state, entry);
    const framed = frameRecord(cborEncode(entry));
    if (torn || sizeBytes + framed.length > COMPACT_BYTES) {
      const compact = concatenate(entriesOf(next).map((each) => frameRecord(cborEncode(each))));
      await files.write(FILE, compact);
      sizeBytes = compact.length;
    } else {
      // If this fails, on a full disk say, part of the record may be there: what came behind it would be lost with it.
      torn = true;
      await files.append(FILE, framed);
      sizeBytes += framed.length;
    }
    torn = false;
    state = next;
  };
  return {
    get state() {
      return state;
    },
    record(entry) {
      const done = writing.then(() => write(entry));
      writing = done.catch(() => undefined);
      return done;
    },
  };
}

/** The shortest log that gives this state. */
export function entriesOf(state: JournalState): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const signed of state.roots) entries.push({ type: 'root', signed });
  if (state.previousGood !== null) entries.push({ type: 'good', release: state.previousGood });
  entries.push({ type: 'good', release: state.good });
  if (state.desired !== null) entries.push({ type: 'desired', ...state.desired });
  for (const [release, attempts] of Object.entries(state.failed)) entries.push({ type: 'failed', release, attempts });
  if (state.trustedMs !== null) entries.push({ type: 'time', trustedMs: state.trustedMs });
  for (const [id, executed] of Object.entries(state.executed)) entries.push({ type: 'executed', id, ...executed });
  return entries;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
