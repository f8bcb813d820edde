import { parseWith } from '../codec/cbor.ts';
import { StarlingError } from '../errors.ts';
import { suggest } from '../graph/nearest-name.ts';
import { type CommandArguments, type CommandName, commandTable } from './command.ts';

/**
 * Arguments of a command as somebody wrote them, complete. Devices let unknown ones pass, for they may be older than the fleet; whoever
 * writes one has misspelt it.
 * @throws StarlingError `unknown-argument` with the nearest name, `invalid-message`
 */
export function readArguments<Name extends CommandName>(name: Name, given: unknown): CommandArguments<Name> {
  const { arguments: schema } = commandTable[name];
  const unknown = unknownKey(given, schema.safeParse(given).data ?? given, []);
  // What is missing may be what is misspelt: a name at the top is looked at first.
  const known = Object.keys(schema.shape);
  const misspelt = isRecord(given) ? Object.keys(given).find((key) => !known.includes(key)) : undefined;
  const path = misspelt === undefined ? unknown : [misspelt];
  if (path === undefined) return parseWith(schema, given) as CommandArguments<Name>;
  const field = `arguments.${path.join('.')}`;
  throw new StarlingError('unknown-argument', `"${name}" has no argument "${path.join('.')}"`, {
    field,
    hint: path.length > 1 ? 'leave it out' : known.length === 0 ? 'it has none' : suggest(path[0] ?? '', known, 'arguments'),
  });
}

/** The first key that reading has dropped. */
function unknownKey(given: unknown, read: unknown, path: readonly string[]): string[] | undefined {
  if (Array.isArray(given) && Array.isArray(read)) {
    return firstOf(given.map((item: unknown, index) => unknownKey(item, read[index], [...path, `${index}`])));
  }
  if (!isRecord(given) || !isRecord(read)) return undefined;
  return firstOf(Object.keys(given).map((key) => (key in read ? unknownKey(given[key], read[key], [...path, key]) : [...path, key])));
}

function firstOf<Item>(items: readonly (Item | undefined)[]): Item | undefined {
  return items.find((item) => item !== undefined);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
