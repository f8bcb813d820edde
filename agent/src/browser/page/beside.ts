import type { ReportedArm, ReportedState } from '@starling/shared';

const WORDS: Readonly<Record<ReportedArm['state'], string>> = {
  waiting: 'not there yet',
  pulling: 'being loaded',
  running: 'runs beside it',
  off: 'switched off here',
};

/** The releases that this device tries beside its own, for as long as it takes part in an experiment. */
export function besideWords(reported: Pick<ReportedState, 'experiment'> | undefined): string | undefined {
  const arms = reported?.experiment?.arms ?? [];
  if (arms.length === 0) return undefined;
  return arms
    .map(({ release, state, problem }) => `${release.slice(0, 12)} ${WORDS[state]}${problem === undefined ? '' : `: ${problem.message}`}`)
    .join('; ');
}
