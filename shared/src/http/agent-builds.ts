import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { agentBuildSchema } from '../documents/agent-build.ts';
import { wallMsSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

export const agentBuildViewSchema = z.object({
  digest: digestSchema.meta({ description: 'Of the signed document: what the command update-agent names' }),
  ...agentBuildSchema.pick({ version: true, issuedAtMs: true, packages: true }).shape,
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
});
export type AgentBuildView = z.infer<typeof agentBuildViewSchema>;

export const agentBuildEndpoints = {
  listAgentBuilds: {
    method: 'get',
    path: '/agent-builds',
    access: 'viewer',
    tag: 'agents',
    summary: 'Agents that devices may be updated to, newest first',
    query: pageQuerySchema,
    response: pageOf(agentBuildViewSchema),
  },
  createAgentBuild: {
    method: 'post',
    path: '/agent-builds',
    access: 'operator',
    tag: 'agents',
    summary: 'Publish an agent: its packages were uploaded as files before, and the publisher has signed what they are',
    body: z.object({ signed: z.string().max(65_536) }),
    response: agentBuildViewSchema,
  },
} as const satisfies Record<string, Endpoint>;
