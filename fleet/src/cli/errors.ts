import { isStarlingError, messageOf, StarlingError, type StarlingErrorDetails } from '@starling/shared';
import { z } from 'zod';

/** What the process says to the shell. Listed in `starling --help`; scripts depend on it. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  forbidden: 3,
  notFound: 4,
  refused: 5,
  unreachable: 6,
  interrupted: 130,
} as const;
type ExitName = keyof typeof exitCodes;

/** Errors that the CLI raises itself. What it raises before it asks the fleet is a matter of the arguments, and ends with `usage`. */
const ownErrors = {
  usage: 'usage',
  'bad-address': 'usage',
  'bad-document': 'usage',
  'bad-file': 'usage',
  'bad-key-file': 'usage',
  'exposed-file': 'usage',
  'file-exists': 'usage',
  'insecure-address': 'usage',
  'not-confirmed': 'usage',
  'ambiguous-name': 'usage',
  'build-failed': 'failed',
  'device-failed': 'failed',
  'draft-differs': 'failed',
  'items-failed': 'failed',
  'pipeline-has-problems': 'refused',
  'rollout-failed': 'failed',
  'timed-out': 'failed',
  'unexpected-answer': 'failed',
  'key-not-in-root': 'refused',
  'root-exists': 'refused',
  'untrusted-model': 'refused',
  'not-supported': 'refused',
  'sign-in-failed': 'forbidden',
  'untrusted-certificate': 'unreachable',
  unreachable: 'unreachable',
  interrupted: 'interrupted',
} as const satisfies Record<string, ExitName>;
export type CliErrorCode = keyof typeof ownErrors;

/** Codes of the fleet, and of modules that the CLI shares with it, that mean more to a script than "refused". */
const fleetErrors: Readonly<Record<string, ExitName>> = {
  'bad-csv': 'usage',
  'bad-pipeline': 'usage',
  'invalid-selector': 'usage',
  'unknown-group': 'usage',
  'no-input': 'usage',
  'unknown-parameter': 'usage',
  'invalid-parameter': 'usage',
  'not-signed-in': 'forbidden',
  'login-refused': 'forbidden',
  forbidden: 'forbidden',
  'out-of-scope': 'forbidden',
  'cross-origin': 'forbidden',
  'not-found': 'notFound',
  'unknown-release': 'notFound',
  'unknown-pipeline': 'notFound',
  'unknown-template': 'notFound',
  'unknown-model': 'notFound',
  'import-not-found': 'notFound',
  'import-forbidden': 'forbidden',
  'import-unreachable': 'unreachable',
  'import-cut': 'unreachable',
  'bad-source': 'usage',
  'external-data-missing': 'usage',
  'external-data-path': 'usage',
  'external-data-corrupt': 'usage',
  'model-too-large': 'usage',
  'no-weights': 'usage',
  'database-unavailable': 'unreachable',
  'internal-error': 'failed',
};

export function cliError(code: CliErrorCode, message: string, details: StarlingErrorDetails = {}): StarlingError<CliErrorCode> {
  return new StarlingError(code, message, details);
}

/** A failure as people and programs see it. */
export interface Failure {
  exitCode: number;
  code: string;
  message: string;
  field?: string;
  hint?: string;
  /** All that is wrong with a file, where it is more than an error can say. */
  problems?: readonly unknown[];
}

export function toFailure(thrown: unknown): Failure {
  const error = unwrap(thrown);
  if (error instanceof z.ZodError) return unexpectedAnswer(error);
  if (!isStarlingError(error)) return { exitCode: exitCodes.failed, code: 'internal-error', message: messageOf(error) };
  const { code, field, hint } = error;
  const name = (ownErrors as Readonly<Record<string, ExitName>>)[code] ?? fleetErrors[code] ?? 'refused';
  return {
    exitCode: exitCodes[name],
    code,
    message: error.message,
    ...(field === undefined || field === '' ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
    ...('problems' in error && Array.isArray(error.problems) ? { problems: error.problems } : {}),
  };
}

/** The client wraps everything that its `fetch` throws as `unreachable`; what our own transport threw says more. */
function unwrap(error: unknown): unknown {
  return isStarlingError(error) && error.code === 'unreachable' && isStarlingError(error.cause) ? error.cause : error;
}

/** The client checks every answer against its schema: a fleet of another version, or no fleet at all. */
function unexpectedAnswer(error: z.ZodError): Failure {
  const [issue] = error.issues;
  const field = issue?.path.join('.') ?? '';
  return {
    exitCode: exitCodes.failed,
    code: 'unexpected-answer',
    message: `the answer is not what this version of starling expects: ${field === '' ? '' : `${field}: `}${issue?.message ?? 'invalid'}`,
    hint: 'is this the address of a fleet, and of the same version? compare "starling --version" with the dashboard',
  };
}

/** `error: what (field)`, then `fix: hint`. The field is left out where the text names it already. */
export function failureText({ message, field, hint }: Failure): string {
  const named = field === undefined || message.includes(field) ? message : `${message} (${field})`;
  return hint === undefined ? `error: ${named}` : `error: ${named}\nfix: ${hint}`;
}
