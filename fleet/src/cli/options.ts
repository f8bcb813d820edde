import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from './context.ts';
import { cliError } from './errors.ts';

/** Makes the context of a command from the flags that hold everywhere. */
export type ContextOf = (command: Command) => Context;

/**
 * The options of a command, checked and converted by a schema.
 * @throws StarlingError `usage` that names the flag
 */
export function readOptions<Schema extends z.ZodType>(command: Command, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse(command.opts());
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const flag = `--${String(issue?.path[0] ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw cliError('usage', `${flag}: ${issue?.message ?? 'invalid'}`, { field: flag, hint: `see "${nameOf(command)} --help"` });
}

/** `starling model push` */
export function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** For options that may be given more than once. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/**
 * `name=value` words as a record.
 * @throws StarlingError `usage`
 */
export function readPairs(words: readonly string[] | undefined, flag: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const word of words ?? []) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined) throw cliError('usage', `"${word}" is not name=value`, { field: flag });
    if (Object.hasOwn(pairs, name)) throw cliError('usage', `${flag} names ${name} twice`, { field: flag });
    pairs[name] = value;
  }
  return pairs;
}

/** The text of an option as a number. Its message names the wrong kind; what is out of range speaks for itself. */
export function numberOption(what = 'a number'): z.ZodCoercedNumber<unknown> {
  return z.coerce.number({ error: ({ code }) => (code === 'invalid_type' ? `write ${what}` : undefined) });
}

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `30s`, `5m`, `2h`, or seconds. @param maximum in words, as in `10m` */
export function timeOption(maximumMs: number, maximum: string) {
  return z
    .string()
    .regex(/^\d+(\.\d+)?[smh]?$/, 'write seconds, minutes or hours, such as 30s or 5m')
    .transform((text) => Number.parseFloat(text) * unitsMs[(/[smh]$/.exec(text)?.[0] ?? 's') as keyof typeof unitsMs])
    .pipe(z.number().min(1_000, 'at least 1s').max(maximumMs, `at most ${maximum}`));
}

export const wordsSchema = z.array(z.string()).optional();

/** Help text after the options: examples, each with what it does. */
export function examples(...lines: readonly (readonly [command: string, what: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, what]) => `  $ ${command.padEnd(width)}  ${what}`).join('\n')}`;
}
