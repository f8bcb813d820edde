import { type CommandView, StarlingError } from '@starling/shared';

/**
 * What a device answered to a command that was waited for.
 * @throws StarlingError what the device answered instead, or `command-timeout`
 */
export function resultOf({ status, result, error }: CommandView, waitedMs: number): Record<string, unknown> {
  if (status === 'done' && result !== null) return result;
  if (error !== null) {
    const { code, message, field, hint } = error;
    throw new StarlingError(code, message, { ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) });
  }
  throw new StarlingError('command-timeout', `the device has not answered within ${waitedMs / 1000} s`, {
    hint: 'look at its page: is it overloaded?',
    retryable: true,
  });
}
