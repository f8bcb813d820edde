/** Ports of a runtime -> an agent: link, reconcile loop, blobs, spool, commands. */
export { type Agent, type AgentIdentity, type AgentPorts, type AgentStatus, startAgent } from './agent.ts';
