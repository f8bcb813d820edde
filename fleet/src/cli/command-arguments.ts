import { isStarlingError, messageOf, readArguments, type sendableCommandSchema } from '@starling/shared';
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
  try {
    return readArguments(name, value);
  } catch (cause) {
    const { hint } = isStarlingError(cause) ? cause : {};
    throw cliError('usage', messageOf(cause), { field: '--arguments', ...(hint === undefined ? {} : { hint }), cause });
  }
}
