import { api } from '@starling/shared';
import type { AgentBuilds } from '../agent-builds/index.ts';
import type { Devices } from '../devices/index.ts';
import { type ApiApp, route } from './route.ts';

export interface AgentBuildRoutePorts {
  agentBuilds: AgentBuilds;
  devices: Devices;
}

/** Agents that devices may be updated to. */
export function agentBuildRoutes(app: ApiApp, { agentBuilds, devices }: AgentBuildRoutePorts): void {
  route(app, api.listRunningAgents, async ({ query }) => ({ ...query, ...(await devices.agents(query)) }));
  route(app, api.listAgentBuilds, async ({ query }) => ({ ...query, ...(await agentBuilds.list(query)) }));
  route(app, api.createAgentBuild, ({ body, actor }) => agentBuilds.register(body.signed, actor));
}
