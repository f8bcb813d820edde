import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { wallMsSchema } from '../ids.ts';

/** Systems that agents on Node are built for. */
export const agentPlatformSchema = z.enum(['linux-x64', 'linux-arm64']);
export type AgentPlatform = z.infer<typeof agentPlatformSchema>;

/** An agent that devices may put in the place of their own, signed by the publisher. */
export const agentBuildSchema = z
  .object({
    kind: z.literal('agent-build'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string(),
    version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'use letters, digits, ., _ and -'),
    issuedAtMs: wallMsSchema.meta({ description: 'A device takes no build that is older than the one that it runs' }),
    packages: z
      .array(
        z.object({
          platform: agentPlatformSchema,
          digest: digestSchema.meta({ description: 'SHA-256 of the gzipped tar, which holds bin/starling-agent' }),
          manifest: digestSchema,
          sizeBytes: z.number().int().positive(),
        }),
      )
      .min(1)
      .max(8),
  })
  .meta({ id: 'AgentBuild', title: 'Agent build' });
export type AgentBuild = z.infer<typeof agentBuildSchema>;
