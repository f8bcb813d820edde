import type { OperatorResult } from '@starling/shared';

/** The commands, and commands for many, whose steps somebody is still to be told. */
export interface Followed {
  add(work: { commands: readonly string[]; batches: readonly string[] }): void;
  /** May a step of this command be one of them? Those of a command for many are not known by name. */
  mayBeOwn(command: string): boolean;
  /** The answer has been sent: after the last one there is nothing to come. */
  said(answer: OperatorResult): void;
}

/** Nothing follows one of these, of one device or of many. */
const LAST: ReadonlySet<OperatorResult['status']> = new Set(['refused', 'done', 'failed', 'expired', 'cancelled', 'stopped']);
/** Devices in these states are under way: one that is stopped goes on with them. */
const UNDER_WAY = ['queued', 'sent', 'accepted', 'progress'];

export function createFollowed(): Followed {
  const [commands, batches] = [new Set<string>(), new Set<string>()];
  return {
    add(work) {
      for (const id of work.commands) commands.add(id);
      for (const id of work.batches) batches.add(id);
    },
    mayBeOwn: (command) => batches.size > 0 || commands.has(command),
    said({ status, command, batch, counts = {} }) {
      if (!LAST.has(status) || UNDER_WAY.some((state) => (counts[state] ?? 0) > 0)) return;
      if (command !== undefined) commands.delete(command);
      if (batch !== undefined) batches.delete(batch);
    },
  };
}
