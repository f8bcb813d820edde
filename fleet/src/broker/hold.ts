import type { Writable } from 'node:stream';

/** Holds back what is written to a connection for a moment, since more follows at once: one packet on the wire instead of two. */
export interface Hold {
  /** What is written from now on waits for `end`, and not for long. */
  until(connection: Writable): void;
  end(connection: Writable): void;
  close(): void;
}

/** As long as a commit takes that is not slow. */
const HOLD_MS = 50;

/**
 * For the PUBACK of telemetry, which the acknowledgement of its records follows after the commit. Apart, the two were a fifth of what a busy
 * fleet did (2,000 batches a second, writes to the database among them); and a device on a radio, or behind TLS, pays for each packet.
 */
export function createHold(): Hold {
  let held = new Set<Writable>();
  let timer: NodeJS.Timeout | undefined;
  const endAll = (): void => {
    timer = undefined;
    const ending = held;
    held = new Set();
    for (const connection of ending) connection.uncork();
  };
  return {
    until(connection) {
      if (held.has(connection)) return;
      held.add(connection);
      connection.cork();
      // One timer for all: whoever comes later waits less.
      timer ??= setTimeout(endAll, HOLD_MS);
    },
    end(connection) {
      if (held.delete(connection)) connection.uncork();
    },
    close() {
      clearTimeout(timer);
      endAll();
    },
  };
}
