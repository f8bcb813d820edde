import type { BuildJob } from '@starling/shared';

/** What came of a build, in a sentence. */
export function outcomeOf({ error, note, reused, artefact, step }: BuildJob): string {
  if (error !== null) return `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`;
  if (note !== null) return note;
  if (reused) return 'an equal build had made it already';
  return artefact === null ? step : 'gave an artefact';
}
