/** Installed models -> loaded sessions, shared by pipelines, checked against their golden outputs. */

export { createFallbackEvents } from './fallback-event.ts';
export { type GoldenVerdict, goldenFeeds, readGolden, replayGolden } from './golden.ts';
export { providerLadder } from './provider-ladder.ts';
export { createResident, type Resident } from './resident.ts';
export { createSessionPool, type LoadedModel, type OnFallback, openOnLadder, type SessionPool } from './session-pool.ts';
export { defaultSettings, settingsLadder } from './settings.ts';
export { bestTrial, energyMethodOf, nextTrial, type Trial } from './tune.ts';
export { openTunings, type Tuning, type Tunings, tuningSchema } from './tunings.ts';
export { createTurns } from './turns.ts';
