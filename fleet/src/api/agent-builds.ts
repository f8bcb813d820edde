import { api } from '@starling/shared';
import type { AgentBuilds } from '../agent-builds/index.ts';
import { type ApiApp, route } from './route.ts';

export interface AgentBuildRoutePorts {
  agentBuilds: AgentBuilds;
}

/** Agents that devices may be updated to. */
export function agentBuildRoutes(app: ApiApp, { agentBuilds }: AgentBuildRoutePorts): void {
  route(app, api.listAgentBuilds, async ({ query }) => ({ ...query, ...(await agentBuilds.list(query)) }));
  route(app, api.createAgentBuild, ({ body, actor }) => agentBuilds.register(body.signed, actor));
}
