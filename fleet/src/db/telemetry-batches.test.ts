import { readFile } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import { expect, test } from 'vitest';
import journal from './migrations/meta/_journal.json' with { type: 'json' };

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 27, 7);
const TAG = '0020_telemetry_batches';

test('records that had a row each move into batches, and are seen as before', async () => {
  const database = await PGlite.create();
  const migrate = async (tag: string): Promise<void> => {
    const text = await readFile(new URL(`./migrations/${tag}.sql`, import.meta.url), 'utf8');
    for (const statement of text.split('--> statement-breakpoint')) await database.exec(statement);
  };
  const tags = journal.entries.map(({ tag }) => tag);
  for (const tag of tags.slice(0, tags.indexOf(TAG))) await migrate(tag);
  // Two batches of one stream, the second over midnight and with a clock that nobody believed, and one of another device.
  const row = (device: string, sequence: number, atMs: number, arrivedAtMs: number, clock = 'trusted') =>
    [
      device,
      's',
      'health',
      sequence,
      'b',
      sequence + 0.5,
      clock === 'trusted' ? atMs : 5,
      clock,
      arrivedAtMs,
      atMs,
      { at: sequence },
    ] as const;
  const midnight = START_MS - (START_MS % DAY_MS) + DAY_MS;
  const rows = [
    row('a', 1, START_MS, START_MS + 10),
    row('a', 2, START_MS + 1, START_MS + 10),
    row('a', 3, midnight - 1, midnight + 10),
    row('a', 4, midnight, midnight + 10),
    row('a', 5, midnight + 10, midnight + 10, 'implausible'),
    row('b', 1, START_MS, START_MS + 10),
  ];
  const stretches = [START_MS, midnight].map((atMs) => atMs - (atMs % DAY_MS));
  for (const fromMs of stretches)
    await database.exec(`create table r_${fromMs} partition of telemetry_records for values from (${fromMs}) to (${fromMs + DAY_MS})`);
  const columns = 'device, stream_id, kind, sequence, boot_id, monotonic_ms, wall_ms, clock, arrived_at_ms, at_ms, payload';
  const read = async () => (await database.query(`select ${columns} from telemetry_records order by device, sequence`)).rows;
  for (const values of rows)
    await database.query(`insert into telemetry_records (${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, [...values]);
  const before = await read();
  await migrate(TAG);
  expect(await read()).toEqual(before);
  const { rows: batches } = await database.query(
    'select device, sequence, records, at_ms, last_at_ms from telemetry_batches order by 1, 2',
  );
  expect(batches).toEqual([
    { device: 'a', sequence: 1, records: 2, at_ms: START_MS, last_at_ms: START_MS + 1 },
    { device: 'a', sequence: 3, records: 1, at_ms: midnight - 1, last_at_ms: midnight - 1 },
    { device: 'a', sequence: 4, records: 2, at_ms: midnight, last_at_ms: midnight + 10 },
    { device: 'b', sequence: 1, records: 1, at_ms: START_MS, last_at_ms: START_MS },
  ]);
  await database.close();
}, 60_000);
