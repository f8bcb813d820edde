/** An address or a directory -> an open database with up-to-date tables. */
export { lineColumn, numberColumn, textColumn } from './columns.ts';
export { createGatherer, type Gatherer } from './gather.ts';
export {
  CHANNEL_BYTES_MAXIMUM,
  type Channel,
  type Database,
  type DatabaseOptions,
  type OpenDatabase,
  openDatabase,
  type Queryable,
  type Schema,
  type Transaction,
} from './open.ts';
