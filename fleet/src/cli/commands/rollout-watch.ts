import { type ApiClient, api, type RolloutDetail, type RolloutState } from '@starling/shared';
import type { Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { formatTime } from '../printable.ts';
import { standText } from '../rollout-text.ts';

const POLL_MS = 1_000;
/** `following`: all steps are done, and who was away may come weeks later. */
const ends: Readonly<Partial<Record<RolloutState, 'good' | 'bad'>>> = {
  following: 'good',
  succeeded: 'good',
  aborted: 'bad',
  stopped: 'bad',
  'rolled-back': 'bad',
};

/**
 * Prints a line whenever something has changed, until the rollout has ended or only latecomers are left.
 * @throws StarlingError `rollout-failed` if it ended badly
 */
export async function watchRollout({ output, sleep, nowMs }: Context, client: ApiClient, id: string): Promise<void> {
  let shown = '';
  for (;;) {
    const view = await client.call(api.showRollout, { params: { id } });
    const stand = standText(view);
    if (stand !== shown) output.line(view, () => `${formatTime(nowMs())}  ${stand}`);
    shown = stand;
    const end = ends[view.state];
    if (end === 'bad')
      throw cliError('rollout-failed', `${view.name} is ${view.state}: ${reasonOf(view)}`, {
        hint: `see "starling rollout show ${view.name} --timeline"`,
      });
    if (end === 'good') return;
    await sleep(POLL_MS);
  }
}

function reasonOf({ why, failures }: RolloutDetail): string {
  return why ?? failures.map(({ code, devices }) => `${code} ${devices}`).join(', ');
}
