/** The address of a fleet, a claim token, a canvas -> an agent in this page that pulls, runs and draws. */
import './content-security.ts';

export type { BrowserAgentStatus } from './agent-messages.ts';
export { defineStarlingCamera, StarlingCamera } from './camera-element.ts';
export { type AgentEvents, type BrowserAgent, type CreateAgentOptions, createAgent } from './create-agent.ts';
export { isolatePage } from './isolate-page.ts';
export type { Listening } from './sources/audio.ts';
export { type FrameSink, type Watching, watchStream, watchVideo } from './sources/stream.ts';
