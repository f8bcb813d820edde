/** A data directory and settings -> an agent on this machine. */
export { readAgentConfig } from './config.ts';
export { type RunningAgent, runAgent } from './start.ts';
