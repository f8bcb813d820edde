import { type ApiClient, api, type BuildJob, type BuildLogLine } from '@starling/shared';
import type { Context } from './context.ts';
import { cliError } from './errors.ts';

const POLL_MS = 400;
const PAGE_LINES = 200;

export function isOver({ state }: Pick<BuildJob, 'state'>): boolean {
  return state !== 'queued' && state !== 'running';
}

/** `text-detection@1.0.0 int8-weights` */
export function titleOf({ model, version, label }: BuildJob): string {
  return `${model}@${version} ${label}`;
}

/** Shows the progress of a build until it is over. */
export async function followBuild({ output, sleep }: Context, client: ApiClient, build: BuildJob): Promise<BuildJob> {
  const progress = output.progress(`build ${titleOf(build)}`);
  for (;;) {
    const job = await client.call(api.showBuild, { params: { id: build.id } });
    if (isOver(job)) {
      if (job.state === 'done') progress.done(job.note ?? job.step);
      else progress.failed();
      return job;
    }
    progress.update(job.progressPercent / 100, job.step === '' ? job.state : job.step);
    await sleep(POLL_MS);
  }
}

/**
 * What a build said, and with `watch` what it goes on to say, until it is over.
 * @param last start with the last so many lines
 */
export async function* followLog(
  { sleep }: Context,
  client: ApiClient,
  id: string,
  { watch, last }: { watch: boolean; last: number | undefined },
): AsyncGenerator<BuildLogLine> {
  const params = { id };
  let after = 0;
  if (last !== undefined) {
    const { total, items } = await client.call(api.listBuildLog, { params, query: { limit: 1 } });
    after = Math.max(0, (items[0]?.sequence ?? 1) - 1 + total - last);
  }
  for (;;) {
    // Asked first: what it said last is there before it is over.
    const over = !watch || isOver(await client.call(api.showBuild, { params }));
    for (;;) {
      const { items } = await client.call(api.listBuildLog, { params, query: { limit: PAGE_LINES, after } });
      yield* items;
      after = items.at(-1)?.sequence ?? after;
      if (items.length < PAGE_LINES) break;
    }
    if (over) return;
    await sleep(POLL_MS);
  }
}

/** @throws StarlingError `build-failed` with the reason */
export function requireDone(job: BuildJob): void {
  if (job.state === 'done') return;
  throw cliError('build-failed', `the build of ${titleOf(job)} ${job.state}: ${job.error?.message ?? 'without a reason'}`, {
    ...(job.error?.field === undefined ? {} : { field: job.error.field }),
    hint: job.error?.hint ?? `run it again with "starling build retry ${job.id.slice(0, 8)}"`,
  });
}
