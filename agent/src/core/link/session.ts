/**
 * The life of a session:
 *
 *            start               loggedIn              connected
 *   idle ----------> loggingIn ------------> connecting ----------> online
 *                     ^    |                     |                    |
 *                     |    | failed              | failed             | lost, expiring
 *               retry |    v                     v                    v
 *                     +-- waiting <---------------------------------- +
 *
 *   close leads from everywhere to closed, where nothing more happens.
 */
export type LinkState = 'idle' | 'loggingIn' | 'connecting' | 'online' | 'waiting' | 'closed';
export type LinkEvent = 'start' | 'loggedIn' | 'connected' | 'failed' | 'lost' | 'retry' | 'close';

const stay: Record<LinkState, Record<LinkEvent, LinkState>> = {
  idle: { start: 'loggingIn', loggedIn: 'idle', connected: 'idle', failed: 'idle', lost: 'idle', retry: 'idle', close: 'closed' },
  loggingIn: {
    start: 'loggingIn',
    loggedIn: 'connecting',
    connected: 'loggingIn',
    failed: 'waiting',
    lost: 'loggingIn',
    retry: 'loggingIn',
    close: 'closed',
  },
  connecting: {
    start: 'connecting',
    loggedIn: 'connecting',
    connected: 'online',
    failed: 'waiting',
    lost: 'waiting',
    retry: 'connecting',
    close: 'closed',
  },
  online: {
    start: 'online',
    loggedIn: 'online',
    connected: 'online',
    failed: 'waiting',
    lost: 'waiting',
    retry: 'online',
    close: 'closed',
  },
  waiting: {
    start: 'waiting',
    loggedIn: 'waiting',
    connected: 'waiting',
    failed: 'waiting',
    lost: 'waiting',
    retry: 'loggingIn',
    close: 'closed',
  },
  closed: { start: 'closed', loggedIn: 'closed', connected: 'closed', failed: 'closed', lost: 'closed', retry: 'closed', close: 'closed' },
};

export function nextState(state: LinkState, event: LinkEvent): LinkState {
  return stay[state][event];
}

const BASE_MS = 500;
const CEILING_MS = 60_000;

/**
 * Wait before the next try: full jitter over an exponential ceiling (Brooker, "Exponential Backoff and Jitter", 2015), so that a fleet
 * that comes back is not met by all devices at once.
 * @param failures consecutive ones, from 1
 * @param random 0..1
 */
export function backoffMs(failures: number, random: number): number {
  return Math.max(200, random * Math.min(CEILING_MS, BASE_MS * 2 ** Math.min(failures, 16)));
}
