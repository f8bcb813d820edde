/** A champion, challengers, a selector -> devices that run both, shares, what was counted and came back -> verdicts, and a winner. */
export { createExperiments, type Experiments } from './experiments.ts';
export { forgetFigures, keepExperiments } from './figures-store.ts';
export { experimentsAmong, forgetMembers } from './members-store.ts';
