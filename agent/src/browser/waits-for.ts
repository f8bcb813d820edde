import type { BrowserAgentStatus } from './agent-messages.ts';

/** What a device waits for, to whoever sits before it. */
export interface Waiting {
  text: string;
  /** What to do. */
  hint?: string;
}

/** Why nothing is read though nothing has failed; undefined where something is, or is about to be. */
export function waitsFor({ phase, pending, known, agent }: BrowserAgentStatus): Waiting | undefined {
  if (phase === 'other-tab')
    return { text: 'Another tab of this browser is the device.', hint: 'This one takes over when that one is closed.' };
  if (pending) return { text: 'An operator has to approve this device first.' };
  if (agent === undefined && known?.release != null) return { text: 'Starting again: what ran here before is being loaded.' };
  const isIdle = agent?.link === 'online' && agent.reported.running === null && agent.reported.steps.length === 0;
  return isIdle
    ? { text: 'Nothing is read yet: no release was assigned to this device.', hint: 'Assign one in the dashboard, under Devices.' }
    : undefined;
}
