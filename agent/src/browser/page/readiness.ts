import type { AgentPhase } from '../agent-messages.ts';

/** Whether the controls of the page do something now, and what stands where nothing is shown yet. */
export interface Readiness {
  isReady: boolean;
  says: string;
}

/** Controls take something from when the agent is on its way in this tab: what it cannot read yet is shown all the same. */
const ready: Readonly<Record<AgentPhase, boolean>> = {
  ...{ starting: false, 'other-tab': false, failed: false, closed: false },
  ...{ measuring: true, enrolling: true, running: true },
};

/** @param hears whether the pipeline hears, rather than sees */
export function readinessOf(phase: AgentPhase, hears: boolean): Readiness {
  return { isReady: ready[phase], says: ready[phase] ? invitation(hears) : absence(phase) };
}

function invitation(hears: boolean): string {
  return hears ? 'Start the microphone, or drop a sound here.' : 'Start the camera, or drop a picture or a video here.';
}

function absence(phase: AgentPhase): string {
  if (phase === 'starting') return 'Starting…';
  return phase === 'other-tab' ? 'Cameras and files are read in the other tab.' : 'Nothing can be read here.';
}
