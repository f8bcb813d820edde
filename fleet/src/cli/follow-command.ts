import { type ApiClient, api, type CommandView } from '@starling/shared';
import type { Context } from './context.ts';
import { cliError } from './errors.ts';

const POLL_MS = 1_000;

/**
 * Shows how far a command of a device is, until it is done.
 * @throws StarlingError `device-failed`, `timed-out`, `interrupted`
 */
export async function followCommand(
  { output, sleep, nowMs }: Pick<Context, 'output' | 'sleep' | 'nowMs'>,
  client: ApiClient,
  id: string,
  title: string,
  timeoutMs: number,
): Promise<CommandView> {
  const progress = output.progress(title);
  const untilMs = nowMs() + timeoutMs;
  try {
    for (;;) {
      const view = await client.call(api.showCommand, { params: { id } });
      if (view.status === 'done') {
        progress.done();
        return view;
      }
      if (view.status === 'failed' || view.status === 'expired' || view.status === 'cancelled') {
        throw cliError('device-failed', view.error?.message ?? `the command ${view.status}`, { hint: view.error?.hint });
      }
      if (nowMs() > untilMs) throw cliError('timed-out', `no answer after ${timeoutMs / 1000} s`, { field: '--timeout' });
      const { done = 0, total = 0, what = view.status } = view.progress ?? {};
      progress.update(total > 0 ? done / total : undefined, what);
      await sleep(POLL_MS);
    }
  } catch (error) {
    progress.failed();
    throw error;
  }
}
