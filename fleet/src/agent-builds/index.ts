/** Uploaded agent packages, and what the publisher has signed of them -> builds that devices may take. */
export { type AgentBuilds, createAgentBuilds } from './agent-builds.ts';
