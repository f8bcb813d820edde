import type { Command } from 'commander';
import { z } from 'zod';
import { readOptions } from './options.ts';

/** `--state` and `--open` of a list of things that end. */
export function addStates(command: Command, states: readonly string[]): Command {
  return command.option('--state <state>', `only these: ${states.join(', ')}`).option('--open', 'only those that are not over');
}

/** @throws StarlingError for a state that there is not */
export function readStates<State extends string>(command: Command, states: readonly State[]): { state?: State; open?: 'true' } {
  const options = z.object({ state: z.enum(states, `use ${states.join(', ')}`).optional(), open: z.boolean().optional() });
  const { state, open } = readOptions(command, options);
  return { ...(state === undefined ? {} : { state }), ...(open === undefined ? {} : { open: 'true' }) };
}
