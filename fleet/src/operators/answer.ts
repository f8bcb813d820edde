import { type CommandBatchView, type CommandView, isStarlingError, type OperatorResult, type Problem } from '@starling/shared';

/** Where the command of one device stands. */
export function answerOfCommand(request: string, view: CommandView, atMs: number): OperatorResult {
  const { id, device, name, status, result, error, progress } = view;
  return {
    ...{ request, status, name, command: id, device, atMs },
    ...(progress === undefined ? {} : { progress }),
    ...(result === null ? {} : { result }),
    ...(error === null ? {} : { error }),
  };
}

/** Where all devices of a selector stand. */
export function answerOfBatch(request: string, view: CommandBatchView, atMs: number): OperatorResult {
  const { id, name, state, reason, counts, total } = view;
  return {
    ...{ request, status: state, name, batch: id, counts, total, atMs },
    ...(reason === null ? {} : { error: { code: `batch-${state}`, message: reason } }),
  };
}

/** What went wrong, in the words for people; of what nobody raised on purpose only that it is so. */
export function refusal(request: string, failure: unknown, atMs: number): OperatorResult {
  return { request, status: 'refused', error: problemOf(failure), atMs };
}

function problemOf(failure: unknown): Problem {
  if (!isStarlingError(failure)) return { code: 'internal-error', message: 'something went wrong inside the fleet; its log says what' };
  const { code, message, field, hint } = failure;
  return {
    code,
    message: message.slice(0, 2000),
    ...(field === undefined ? {} : { field: field.slice(0, 500) }),
    ...(hint === undefined ? {} : { hint }),
  };
}
