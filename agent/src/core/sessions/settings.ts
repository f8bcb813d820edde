import type { SessionSettings } from '@starling/shared';
import type { MachineSettings } from '../ports/engine.ts';

/**
 * How a model is loaded where nothing better was found out. A spinning pool burns a core between frames: 55 against 8 ms of CPU per frame
 * at 15 frames/s, for 2 ms of latency. Without an arena a session takes a third less memory and gives back what a run took; with one, text
 * in images is read 1.3 times as fast, since no run faults its memory in anew.
 */
export function defaultSettings(provider: string, { threads, arena }: MachineSettings): SessionSettings {
  return { provider, threads, spinning: false, arena, executionMode: 'sequential' };
}

/** The settings to try for a model, best first: those that were tuned for it, then the usual ones of each provider. */
export function settingsLadder(
  providers: readonly string[],
  machine: MachineSettings,
  tuned: SessionSettings | undefined,
): SessionSettings[] {
  const usual = providers.map((provider) => defaultSettings(provider, machine));
  return tuned !== undefined && providers.includes(tuned.provider) ? [tuned, ...usual] : usual;
}
