/** A table of an older fleet, and its rows as JSON -> where they belong now. */
export function asOfNow(table: string, rows: readonly string[]): { table: string; rows: readonly string[] } {
  return table === 'telemetry_records' ? { table: 'telemetry_batches', rows: rows.map(batchOf) } : { table, rows };
}

/** Until records lay in batches each had a row of its own. */
function batchOf(row: string): string {
  const { sequence, monotonic_ms: monotonicMs, wall_ms: wallMs, clock, payload, at_ms: atMs, ...rest } = JSON.parse(row);
  return JSON.stringify({
    ...{ ...rest, sequence, at_ms: atMs, last_at_ms: atMs, records: 1 },
    contents: [{ sequence, monotonicMs, wallMs, clock, payload }],
  });
}
