/** Installed models -> loaded sessions, shared by pipelines, checked against their golden outputs. */
export { providerLadder } from './provider-ladder.ts';
export { createSessionPool, type LoadedModel, type SessionPool } from './session-pool.ts';
