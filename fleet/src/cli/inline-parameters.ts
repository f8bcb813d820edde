import { StarlingError } from '@starling/shared';

/**
 * A statement with its parameters put in as literals, for clients that take text alone. The statements cast every parameter whose type
 * the database could not guess.
 */
export function inlineParameters(sql: string, params: readonly unknown[]): string {
  return sql.replaceAll(/\$(\d+)/g, (_whole, place: string) => literal(params[Number(place) - 1]));
}

function literal(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (Array.isArray(value)) return `array[${value.map(literal).join(', ')}]`;
  throw new StarlingError('bad-parameter', `a parameter of the statement is neither text nor number: ${JSON.stringify(value)}`);
}
