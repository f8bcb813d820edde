/** A column of many rows -> one parameter of a statement, whatever the number of rows. */
import { type SQL, sql } from 'drizzle-orm';

/** To be cast to an array of texts, such as `::text[]`. */
export function textColumn(texts: readonly string[]): SQL {
  return sql`${sql.param(texts)}`;
}

/** To be cast to an array of numbers: they need no quotes, which the driver would give each of them. */
export function numberColumn(numbers: readonly number[]): SQL {
  return sql`${`{${numbers.join(',')}}`}`;
}

/** An array of texts in which there is no line feed, such as JSON: as lines nothing in them needs to be escaped. */
export function lineColumn(lines: readonly string[]): SQL {
  return sql`string_to_array(${lines.join('\n')}, ${'\n'})`;
}
