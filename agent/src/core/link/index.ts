/** A device key and the fleet's address -> membership, and sessions: login, connection, hello -> messages parsed and handed on. */

export { claimMembership, type Enrolling, type Enrolment, enrolmentSchema, newestOnward, readClaimToken } from './enrol.ts';
export { ANSWER_BYTES_MAXIMUM, ANSWER_TIMEOUT_MS, fleetAccessOver, type HttpAnswer } from './fleet-access.ts';
export { createLink, type Link, type LinkHandlers } from './link.ts';
export { replaceKey } from './login.ts';
export { createUnderNewestRoot, type UnderNewestRoot } from './newest-root.ts';
export { backoffMs, type LinkEvent, type LinkState, nextState } from './session.ts';
export { createTrust, type Trust } from './trust.ts';
