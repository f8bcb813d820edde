import type { AgentPhase } from '../agent-messages.ts';
import type { Notice } from './notices.ts';

/** Longer than all that has an end of its own: two providers that hang while they are measured, and a fleet that does not answer. */
const STUCK_AFTER_MS = 180_000;
const passing: readonly AgentPhase[] = ['starting', 'measuring', 'enrolling'];

/**
 * Tells of a start that does not go on. Firefox does that on a busy machine while somebody listens for its workers, as WebDriver and the
 * developer tools do: a worker that starts another one then may wait for ever, without an error, and another page does not help.
 */
export function createStuckWatch(): (phase: AgentPhase, nowMs: number) => Notice | undefined {
  let phase: AgentPhase | undefined;
  let sinceMs = 0;
  return (now, nowMs) => {
    if (now !== phase) [phase, sinceMs] = [now, nowMs];
    if (!passing.includes(now) || nowMs - sinceMs < STUCK_AFTER_MS) return undefined;
    return {
      text: 'This browser has stopped answering this page.',
      hint: 'Close the whole browser and open it again: what it has kept stays.',
    };
  };
}
