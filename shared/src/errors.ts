/** What went wrong, in a form that programs can branch on and people can act on. */
export interface StarlingErrorDetails {
  /** Path of the offending field, e.g. `nodes.detect.model`. */
  field?: string;
  /** What to do about it, in one sentence. */
  hint?: string;
  /** True if the same call may succeed later without a change. */
  retryable?: boolean;
  cause?: unknown;
}

/**
 * Every failure that Starling raises itself. Tests and callers compare `code`, never `message`.
 *
 * @typeParam Code the closed union of codes of the package that throws it
 */
export class StarlingError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly field: string | undefined;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  constructor(code: Code, message: string, details: StarlingErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'StarlingError';
    this.code = code;
    this.field = details.field;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
  }
}

export function isStarlingError(error: unknown): error is StarlingError {
  return error instanceof StarlingError;
}

/** The message of anything thrown, for logs and for `cause` chains that reach a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
