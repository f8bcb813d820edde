import { isStarlingError, messageOf, type ProblemDetails, type StarlingError } from '@starling/shared';
import { PipelineProblems } from '../pipelines/index.ts';

/** HTTP status of error codes; what is not here and was raised on purpose is a bad request. */
const statusOf: Readonly<Record<string, number>> = {
  'not-found': 404,
  'unknown-release': 404,
  'unknown-pipeline': 404,
  'unknown-template': 404,
  'not-signed-in': 401,
  'login-refused': 401,
  'claim-token-refused': 401,
  'approval-pending': 403,
  'device-revoked': 403,
  forbidden: 403,
  'out-of-scope': 403,
  'cross-origin': 403,
  'version-exists': 409,
  'user-exists': 409,
  'name-taken': 409,
  'group-in-use': 409,
  'authority-in-use': 409,
  'last-admin': 409,
  'not-pending': 409,
  'not-running': 409,
  'still-running': 409,
  'already-done': 409,
  'rollout-state': 409,
  'rollout-exists': 409,
  'rollout-overlaps': 409,
  'already-approved': 409,
  'other-step': 409,
  'nothing-to-do': 409,
  'runs-nowhere': 409,
  'changed-meanwhile': 409,
  'no-artefact': 409,
  'agent-too-old': 409,
  'upload-too-large': 413,
  'image-too-large': 413,
  'no-such-item': 404,
  'egress-refused': 403,
  'capture-refused': 403,
  'too-many-requests': 429,
  'too-many-taps': 429,
  'too-many-viewers': 429,
  'broker-unreachable': 503,
  'broker-refused': 502,
  overloaded: 503,
  'device-offline': 503,
  'no-root': 503,
  'disk-full': 507,
  'database-unavailable': 503,
  'store-unreachable': 503,
  'store-failed': 503,
  'store-denied': 503,
  'command-timeout': 504,
  'build-crashed': 422,
  'build-hung': 422,
  'build-too-large': 422,
};

/** Postgres and socket errors that mean that the database is away: class 08, 57P0x, and what postgres.js and Node call it. */
const awayCodes = /^(08...|57P0.|CONNECTION_|CONNECT_TIMEOUT|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE)/;

/** Any failure as an RFC 9457 problem. What was not raised on purpose tells nothing about the inside. */
export function toProblem(error: unknown): ProblemDetails {
  if (isStarlingError(error)) return fromStarling(error);
  if (isDatabaseAway(error)) {
    const detail = 'the database cannot be reached at the moment';
    return {
      type: 'about:blank',
      title: 'Service unavailable',
      status: 503,
      code: 'database-unavailable',
      detail,
      hint: 'try again in a moment',
    };
  }
  if (isUnstorable(error)) {
    return {
      type: 'about:blank',
      title: 'Invalid request',
      status: 400,
      code: 'invalid-request',
      detail: 'a text holds a NUL or half a character, which cannot be stored',
      hint: 'leave it out',
    };
  }
  return {
    type: 'about:blank',
    title: 'Internal error',
    status: 500,
    code: 'internal-error',
    detail: 'something went wrong inside the fleet; its log says what',
  };
}

function fromStarling(error: StarlingError): ProblemDetails {
  const { code, field, hint } = error;
  return {
    type: 'about:blank',
    title: code.replaceAll('-', ' '),
    status: statusOf[code] ?? 400,
    code,
    detail: messageOf(error),
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
    ...(error instanceof PipelineProblems ? { problems: [...error.problems] } : {}),
  };
}

export function isDatabaseAway(error: unknown): boolean {
  return hasCode(error, awayCodes);
}

/** Postgres keeps neither a NUL nor half of a surrogate pair: 22021 in text, 22P05 and 22P02 in jsonb. */
function isUnstorable(error: unknown): boolean {
  return hasCode(error, /^(22021|22P05|22P02)$/);
}

function hasCode(error: unknown, pattern: RegExp): boolean {
  for (let cause: unknown = error; cause !== undefined && cause !== null; cause = (cause as { cause?: unknown }).cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string' && pattern.test(code)) return true;
  }
  return false;
}
