import type { ReportedState } from '@starling/shared';
import type { Notice } from './notices.ts';

/** What does not run here though it was chosen, where something else took its place; where nothing did, the error says so. */
export function refusedNotice(reported: Pick<ReportedState, 'refused'> | undefined): Notice | undefined {
  const replaced = (reported?.refused ?? []).filter(({ instead }) => instead !== null);
  if (replaced.length === 0) return undefined;
  const models = [...new Set(replaced.map(({ model }) => model))].join(', ');
  return {
    text: `Another artefact of ${models} runs here than the one that was chosen first.`,
    hint: replaced.map(({ artefact, reason }) => `${artefact.slice(0, 12)}: ${reason}`).join(' '),
  };
}
