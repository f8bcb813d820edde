import { commandTable, type sendableCommandSchema } from '@starling/shared';
import type { z } from 'zod';
import { cliError } from './errors.ts';

export type Sendable = z.infer<typeof sendableCommandSchema>;

/** Arguments of a command as a person writes them. @throws StarlingError `usage` */
export function readCommandArguments(name: Sendable, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw cliError('usage', '--arguments is no JSON', { field: '--arguments', hint: 'write an object such as {"runs":50}', cause });
  }
  const parsed = commandTable[name].arguments.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw cliError('usage', `${issue?.path.join('.') || 'arguments'}: ${issue?.message}`, { field: '--arguments' });
}
