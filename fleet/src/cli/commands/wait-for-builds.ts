import { type ApiClient, api, type ModelView } from '@starling/shared';
import type { Context } from '../context.ts';
import { cliError } from '../errors.ts';

const POLL_MS = 300;

/**
 * Waits until no build of a model version is left to do.
 * @throws StarlingError `build-failed` with the reason of the first that failed
 */
export async function waitForBuilds(
  { output, sleep }: Context,
  client: ApiClient,
  { digest, name, version }: ModelView,
): Promise<ModelView> {
  const progress = output.progress(`build ${name}@${version}`);
  for (;;) {
    const view = await client.call(api.showModel, { params: { digest } });
    const failed = view.builds.find(({ state }) => state === 'failed' || state === 'cancelled');
    if (failed !== undefined) {
      progress.failed();
      throw cliError(
        'build-failed',
        `the build ${failed.label} of ${name}@${version} ${failed.state}: ${failed.error?.message ?? 'without a reason'}`,
        {
          ...(failed.error?.field === undefined ? {} : { field: failed.error.field }),
          hint: failed.error?.hint ?? `run it again with "starling model retry ${name}@${version}"`,
        },
      );
    }
    const waiting = view.builds.filter(({ state }) => state !== 'done');
    if (waiting.length === 0) {
      progress.done(view.artefacts.map(({ precision }) => precision).join(', '));
      return view;
    }
    const share =
      view.builds.reduce((sum, { state, progressPercent }) => sum + (state === 'done' ? 100 : progressPercent), 0) /
      (100 * view.builds.length);
    // The newest stand first: the one that runs is the oldest of those that wait.
    const current = waiting.at(-1);
    progress.update(share, current === undefined ? '' : `${current.label} ${current.step}`.trim());
    await sleep(POLL_MS);
  }
}
