import { sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { ensurePartitions } from '../telemetry/index.ts';

/** What ends with its connection, its minute or its machine. */
const shortLived: ReadonlySet<string> = new Set(['broker_logins', 'session', 'verification', 'leases']);
export const telemetryTables: ReadonlySet<string> = new Set([
  'telemetry_batches',
  'telemetry_rollups',
  'telemetry_sums',
  'telemetry_hours',
  'telemetry_layers',
]);
const ROWS_OF_A_READING = 2000;

/** Tables of the fleet, each after those that it refers to. */
export async function listTables(db: Queryable): Promise<string[]> {
  const tables = await db.execute<{ name: string }>(sql`
    select relname as name from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
    order by relname`);
  const references = await db.execute<{ from: string; to: string }>(sql`
    select a.relname as from, b.relname as to from pg_constraint join pg_class a on a.oid = conrelid join pg_class b on b.oid = confrelid
    where contype = 'f' and a.relnamespace = 'public'::regnamespace and a.oid <> b.oid`);
  const waiting = new Set(tables.map(({ name }) => name).filter((name) => !shortLived.has(name)));
  const ordered: string[] = [];
  while (waiting.size > 0) {
    const free = [...waiting].filter((name) => !references.some(({ from, to }) => from === name && waiting.has(to)));
    // A circle of references: their order is then of no use, and the database says so.
    for (const name of free.length > 0 ? free : waiting) {
      ordered.push(name);
      waiting.delete(name);
    }
  }
  return ordered;
}

/** Everything that follows is as of this moment. */
export async function readAsOfNow(tx: Transaction): Promise<void> {
  await tx.execute(sql`set transaction isolation level repeatable read, read only`);
}

/** Rows as JSON, some thousand at once. */
export async function* readRows(tx: Transaction, table: string): AsyncGenerator<string[]> {
  await tx.execute(sql`declare backup_rows no scroll cursor for select row_to_json(t)::text as row from ${sql.identifier(table)} t`);
  for (;;) {
    const rows = await tx.execute<{ row: string }>(sql.raw(`fetch ${ROWS_OF_A_READING} from backup_rows`));
    if (rows.length > 0) yield rows.map(({ row }) => row);
    if (rows.length < ROWS_OF_A_READING) break;
  }
  await tx.execute(sql`close backup_rows`);
}

/** Columns that the rows do not name get their defaults: a backup may be of an older fleet. */
export async function insertRows(tx: Transaction, table: string, rows: readonly string[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  if (telemetryTables.has(table)) await ensurePartitions(tx, table, rows.map(momentOf));
  const computed = await computedColumns(tx, table);
  const columns = sql.join(
    Object.keys(JSON.parse(first) as object)
      .filter((name) => !computed.has(name))
      .map((name) => sql.identifier(name)),
    sql`, `,
  );
  const name = sql.identifier(table);
  await tx.execute(sql`insert into ${name} (${columns}) overriding system value
    select ${columns} from jsonb_populate_recordset(null::${name}, ${`[${rows.join(',')}]`}::jsonb)`);
}

function momentOf(row: string): number {
  const { at_ms: atMs } = JSON.parse(row) as { at_ms?: unknown };
  return Number(atMs);
}

/** Columns that the database computes from others, and lets nobody write. */
async function computedColumns(tx: Transaction, table: string): Promise<ReadonlySet<string>> {
  const rows = await tx.execute<{ name: string }>(sql`
    select attname as name from pg_attribute
    where attrelid = (${`public."${table}"`})::regclass and attgenerated <> '' and attnum > 0 and not attisdropped`);
  return new Set(rows.map(({ name }) => name));
}

/** Numbers that the database gives go on behind those that came. */
export async function moveSequences(tx: Transaction): Promise<void> {
  const columns = await tx.execute<{ table: string; column: string; sequence: string }>(sql`
    select c.relname as table, a.attname as column, pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
      and pg_get_serial_sequence(quote_ident(c.relname), a.attname) is not null`);
  for (const { table, column, sequence } of columns) {
    await tx.execute(sql`select setval(${sequence}::regclass,
      greatest((select coalesce(max(${sql.identifier(column)}), 0) from ${sql.identifier(table)}), 1))`);
  }
}

/** Is there anything in the database that somebody would miss? */
export async function hasContents(db: Queryable): Promise<boolean> {
  const [row] = await db.execute<{ some: boolean }>(sql`
    select exists (select 1 from "user") or exists (select 1 from devices) or exists (select 1 from trust_roots) as some`);
  return row?.some === true;
}

/** A fleet that has never run has facts of its own already: they give way. */
export async function emptyTables(tx: Transaction, tables: readonly string[]): Promise<void> {
  for (const table of tables.toReversed()) await tx.execute(sql`delete from ${sql.identifier(table)}`);
}

/** Every desired state becomes a new one, of the new epoch. */
export async function raiseDesired(tx: Transaction, epoch: number): Promise<number> {
  const rows = await tx.execute(sql`update desired_states set epoch = ${epoch}, generation = generation + 1 returning device`);
  return rows.length;
}
