import { type Problem, StarlingError } from '@starling/shared';

/** A problem that a device or a build reported, in the form in which all problems are shown. */
export function toProblem({ code, message, field, hint }: Problem): StarlingError {
  return new StarlingError(code, message, { ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) });
}
