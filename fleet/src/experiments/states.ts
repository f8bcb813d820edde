import { type ExperimentAction, type ExperimentState, experimentActionSchema, experimentStateSchema } from '@starling/shared';

/**
 * The life of an experiment, as a complete table:
 *
 *     draft ──start──▶ running ◀─pause/resume─▶ paused
 *                        │  └──conclude──▶ concluded ──promote──▶ promoted
 *                        └─────stop──────▶ stopped  ──promote──▶ promoted
 *
 * `conclude` is what the runner does with what it knows; everything else people ask for, but `pause` and `stop`, which are both.
 */
export type ExperimentMove = ExperimentAction | 'conclude';

export const experimentTable: Readonly<Record<ExperimentState, Readonly<Record<ExperimentMove, ExperimentState | null>>>> = {
  draft: { start: 'running', pause: null, resume: null, stop: 'stopped', promote: null, conclude: null },
  running: { start: null, pause: 'paused', resume: null, stop: 'stopped', promote: 'promoted', conclude: 'concluded' },
  // While nothing is sent to challengers, time goes on.
  paused: { start: null, pause: null, resume: 'running', stop: 'stopped', promote: 'promoted', conclude: 'concluded' },
  concluded: { start: null, pause: null, resume: null, stop: null, promote: 'promoted', conclude: null },
  stopped: { start: null, pause: null, resume: null, stop: null, promote: 'promoted', conclude: null },
  promoted: { start: null, pause: null, resume: null, stop: null, promote: null, conclude: null },
};

/** Experiments whose devices run challengers. */
export const activeStates: readonly ExperimentState[] = ['running', 'paused'];
/** Experiments that are not over. */
export const openStates: readonly ExperimentState[] = ['draft', ...activeStates];

/** What may be asked of it now. */
export function possibleActions(state: ExperimentState): ExperimentAction[] {
  return experimentActionSchema.options.filter((action) => experimentTable[state][action] !== null);
}

export function isOver(state: ExperimentState): boolean {
  return !openStates.includes(experimentStateSchema.parse(state));
}
