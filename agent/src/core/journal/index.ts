/** What the agent has accepted, run and executed -> an append-only log -> the same state after any crash. */
export { frameRecord, readFrames } from './frames.ts';
export {
  applyEntry,
  emptyState,
  entriesOf,
  type GoodRelease,
  type Journal,
  type JournalEntry,
  type JournalState,
  openJournal,
} from './journal.ts';
