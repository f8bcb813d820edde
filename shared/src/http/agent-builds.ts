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

export const runningAgentSchema = z.object({
  version: z.string(),
  build: z.string().nullable().meta({ description: 'Null: the one that was installed by hand, or the page of a browser' }),
  devices: z.number().int().nonnegative(),
  online: z.number().int().nonnegative(),
});
export type RunningAgent = z.infer<typeof runningAgentSchema>;

export const agentBuildEndpoints = {
  listRunningAgents: {
    method: 'get',
    path: '/agents',
    access: 'viewer',
    tag: 'agents',
    summary: 'Which agents devices run, by version and build; those of most devices first',
    query: pageQuerySchema,
    response: pageOf(runningAgentSchema),
  },
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
