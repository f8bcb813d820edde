import type { SessionSettings } from '@starling/shared';

/**
 * How a model is loaded where nothing better was found out. A spinning pool burns a core between frames: 55 against 8 ms of CPU per frame
 * at 15 frames/s, for 2 ms of latency. Without an arena a session takes a third less memory, and gives it back.
 * @param threads inside one run; 0 lets the engine decide
 */
export function defaultSettings(provider: string, threads: number): SessionSettings {
  return { provider, threads, spinning: false, arena: false, executionMode: 'sequential' };
}

/** The settings to try for a model, best first: those that were tuned for it, then the usual ones of each provider. */
export function settingsLadder(providers: readonly string[], threads: number, tuned: SessionSettings | undefined): SessionSettings[] {
  const usual = providers.map((provider) => defaultSettings(provider, threads));
  return tuned !== undefined && providers.includes(tuned.provider) ? [tuned, ...usual] : usual;
}
