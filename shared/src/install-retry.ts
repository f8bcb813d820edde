/** Tries of one release before a device waits for another generation or a new session. */
export const INSTALL_ATTEMPTS_MAXIMUM = 8;

/** Wait before the next try of what could not be installed, in milliseconds; undefined when there have been enough. */
export function installRetryMs(attempts: number): number | undefined {
  return attempts >= INSTALL_ATTEMPTS_MAXIMUM ? undefined : Math.min(300_000, 1_000 * 2 ** attempts);
}
