import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database, Queryable } from '../db/index.ts';
import { telemetryLayers } from '../db/schema/index.ts';
import { type Drop, type LayerName, layers, type Partition, partitionName, type Stretch } from './layers.ts';

const partitionSchema = z.object({
  parent: z.string(),
  table: z.string(),
  bounds: z.string(),
  bytes: z.coerce.number(),
});
/** How Postgres tells the bounds of a partition of one bigint. */
const boundsPattern = /FROM \('?(-?\d+)'?\) TO \('?(-?\d+)'?\)/;

export interface StoredPartition extends Partition {
  layer: LayerName;
}

/** Partitions of all layers, oldest first. */
export async function listPartitions(db: Queryable): Promise<StoredPartition[]> {
  const parents = layers.map(({ table }) => table);
  const rows = await db.execute(sql`
    select p.relname as parent, c.relname as table, pg_get_expr(c.relpartbound, c.oid) as bounds,
      pg_total_relation_size(c.oid) as bytes
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
    where p.relname = any(${sql.param(parents)}::text[]) and p.relnamespace = 'public'::regnamespace`);
  const partitions = rows.flatMap((row): StoredPartition[] => {
    const { parent, table, bounds, bytes } = partitionSchema.parse(row);
    const [, from, to] = boundsPattern.exec(bounds) ?? [];
    const layer = layers.find((each) => each.table === parent);
    return layer === undefined || from === undefined || to === undefined
      ? []
      : [{ layer: layer.name, table, bytes, fromMs: Number(from), toMs: Number(to) }];
  });
  return partitions.sort((a, b) => a.fromMs - b.fromMs);
}

/**
 * Makes a partition and only then attaches it: made as one, it would wait for every reader of the whole table, and everybody behind it.
 * Another process may make the same one: then this one fails, and the partition is there.
 */
export async function createPartition(db: Queryable, parent: string, stretch: Stretch): Promise<void> {
  const name = sql.identifier(partitionName(parent, stretch));
  const bounds = sql.raw(`from (${stretch.fromMs}) to (${stretch.toMs})`);
  await db.transaction(async (tx) => {
    await tx.execute(sql`create table ${name} (like ${sql.identifier(parent)} including all)`);
    await tx.execute(sql`alter table ${sql.identifier(parent)} attach partition ${name} for values ${bounds}`);
  });
}

/** Above this a partition is not counted before it goes, but taken at what the database guesses, and a sample of it says. */
const COUNT_BYTES_MAXIMUM = 512 * 1024 * 1024;
const SAMPLE_PERCENT = 0.1;
/** Dropping waits for readers, and new readers wait for it: a backup may read for an hour, so it is tried again later. */
const LOCK_TIMEOUT = '2s';

/** Drops a partition, and counts what was in it, in one transaction. @returns rows that went */
export async function dropPartition(db: Database, { layer, partition, reason }: Drop, nowMs: number): Promise<number> {
  return db.transaction(async (tx) => {
    const table = sql.identifier(partition.table);
    const count = sql.raw(layers.find(({ name }) => name === layer)?.count ?? 'count(*)');
    const isCounted = partition.bytes <= COUNT_BYTES_MAXIMUM;
    const [counted] = await tx.execute<{ rows: number }>(
      isCounted
        ? sql`select coalesce(${count}, 0)::float8 as rows from ${table}`
        : sql`select greatest(reltuples, 0)::float8 * coalesce((select ${count}::float8 / nullif(count(*), 0) from ${table}
            tablesample system (${SAMPLE_PERCENT})), 1) as rows from pg_class where oid = ${partition.table}::regclass`,
    );
    const rows = Number(counted?.rows ?? 0);
    await tx.execute(sql.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`));
    await tx.execute(sql`drop table ${table}`);
    const expired = reason === 'expired' ? rows : 0;
    const target = telemetryLayers;
    await tx
      .insert(target)
      .values({ layer, expiredRows: expired, overBudgetRows: rows - expired, droppedBeforeMs: partition.toMs, passedAtMs: nowMs })
      .onConflictDoUpdate({
        target: target.layer,
        set: {
          expiredRows: sql`${target.expiredRows} + ${expired}`,
          overBudgetRows: sql`${target.overBudgetRows} + ${rows - expired}`,
          droppedBeforeMs: sql`greatest(${target.droppedBeforeMs}, ${partition.toMs}::bigint)`,
          passedAtMs: nowMs,
        },
      });
    return rows;
  });
}

/** @param expiredRows that were deleted one by one, since there are no partitions */
export async function notePass(db: Queryable, layer: string, passedAtMs: number, expiredRows: number): Promise<void> {
  const set = { passedAtMs, expiredRows: sql`${telemetryLayers.expiredRows} + ${expiredRows}` };
  await db.insert(telemetryLayers).values({ layer, passedAtMs, expiredRows }).onConflictDoUpdate({ target: telemetryLayers.layer, set });
}

export async function layerRows(db: Queryable): Promise<Map<string, typeof telemetryLayers.$inferSelect>> {
  const rows = await db.select().from(telemetryLayers);
  return new Map(rows.map((row) => [row.layer, row]));
}
