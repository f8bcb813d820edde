/** An agent build that a command names -> verified, fetched, handed to the updater -> what came of it, said by a later life. */
export { chooseBuild, type UpdateCall, type UpdatePorts, updateAgent } from './update-agent.ts';
