/** A device key and the fleet's address -> a session: login, connection, hello -> messages parsed and handed on. */

export { createLink, type Link, type LinkHandlers } from './link.ts';
export { createUnderNewestRoot, type UnderNewestRoot } from './newest-root.ts';
export { backoffMs, type LinkEvent, type LinkState, nextState } from './session.ts';
export { createTrust, type Trust } from './trust.ts';
