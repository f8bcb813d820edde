/** A data directory with builds of the agent -> the one that runs, watched while it is new -> the one of before, if it does not prove itself. */
import type { Log } from '../../core/ports/log.ts';
import { buildOf } from '../config.ts';
import { decideStart } from './decide-start.ts';
import { requireWatched } from './prove.ts';
import { becomeBuild, becomeItself } from './replace-process.ts';
import { readUpdateState } from './state.ts';
import { settle, watchTrial } from './watch-trial.ts';

export { isWell, proveItself } from './prove.ts';
export { becomeItself } from './replace-process.ts';
export { createUpdater } from './updater.ts';

/** Returns if this very program is to run; otherwise another one has taken its place. */
export async function settleWhoRuns(directory: string, limitMs: number, log: Log): Promise<void> {
  const { version, trial } = buildOf();
  requireWatched(trial);
  const before = await readUpdateState(directory);
  const { start, state } = decideStart(before, version, trial !== undefined);
  if (state !== before) await settle(directory, state);
  if (start.kind === 'run') return;
  if (start.kind === 'hand-over') becomeBuild(directory, start.build);
  await watchTrial(directory, start.trial, limitMs, log);
  becomeItself();
}
