import { StarlingError } from '@starling/shared';
import type { Engine, EngineSession } from '../ports/engine.ts';
import { replayGolden } from './golden.ts';

/** A session that can be closed while its model is in use: the next run opens it again. */
export interface Resident {
  /** What pipelines hold; it stays the same through closing and opening. */
  session: EngineSession;
  isOpen(): boolean;
  /** Opens it, if it is closed. @throws StarlingError what `reopen` throws */
  open(): Promise<void>;
  /** Closes it once the runs under way have ended. @returns whether it was open */
  free(): Promise<boolean>;
}

interface Held {
  session: EngineSession;
  underWay: number;
  idle: (() => void) | undefined;
}

/** @param reopen opens the same model as `first`; what it throws, the run throws that needed it, and the next one tries again */
export function createResident(first: EngineSession, reopen: () => Promise<EngineSession>): Resident {
  const holding = (session: EngineSession): Held => ({ session, underWay: 0, idle: undefined });
  let current: Promise<Held> | undefined = Promise.resolve(holding(first));
  let closing: Promise<unknown> = Promise.resolve();
  let isOver = false;

  const opened = (): Promise<Held> => {
    if (isOver) return Promise.reject(new StarlingError('not-loaded', 'the model is no longer in use'));
    if (current !== undefined) return current;
    // Never both in memory: the old one goes first.
    const next: Promise<Held> = closing.then(reopen).then(holding);
    current = next;
    next.catch(() => {
      if (current === next) current = undefined;
    });
    return next;
  };
  const close = async (held: Held): Promise<void> => {
    if (held.underWay > 0) {
      await new Promise<void>((resolve) => {
        held.idle = resolve;
      });
    }
    await held.session.close();
  };
  const free = async (): Promise<boolean> => {
    const old = current;
    if (old === undefined) {
      await closing;
      return false;
    }
    current = undefined;
    const closed = old.then(close, () => undefined);
    closing = closed.catch(() => undefined);
    await closed;
    return true;
  };
  return {
    isOpen: () => current !== undefined,
    async open() {
      await opened();
    },
    free,
    session: {
      ...first,
      async run(inputs) {
        const held = await opened();
        held.underWay += 1;
        try {
          return await held.session.run(inputs);
        } finally {
          held.underWay -= 1;
          if (held.underWay === 0) held.idle?.();
        }
      },
      async close() {
        isOver = true;
        await free();
      },
    },
  };
}

/**
 * A model that comes back is trusted as little as one that is new: its golden outputs have to come out.
 * @throws StarlingError `self-test-failed`, with the session closed
 */
export async function requireGolden(
  session: EngineSession,
  { name, golden }: { name: string; golden?: Uint8Array },
  engine: Engine,
): Promise<EngineSession> {
  if (golden === undefined) return session;
  const verdict = await replayGolden(session, golden, engine);
  if (verdict.passed) return session;
  await session.close();
  throw new StarlingError('self-test-failed', `${name} was loaded again, and its golden outputs do not come out`, { field: 'model' });
}
