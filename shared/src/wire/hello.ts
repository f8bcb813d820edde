import { z } from 'zod';
import { randomIdSchema, wallMsSchema } from '../ids.ts';

/** Version of the wire protocol that this code speaks. Raised when an old peer could misunderstand a message. */
export const PROTOCOL_VERSION = 1;

/** First message of a session: who speaks, which life of the agent this is, and what it already has. */
export const helloSchema = z
  .object({
    protocolVersion: z.number().int().positive(),
    agentVersion: z.string().max(64),
    streamId: randomIdSchema.meta({ description: 'Random per data directory and boot of the agent; names its telemetry sequences' }),
    bootId: z
      .string()
      .max(64)
      .meta({ description: 'Random per start of the agent process; two live ones under one id mean a cloned device' }),
    epoch: z.number().int().nonnegative(),
    generation: z.number().int().nonnegative().meta({ description: 'Newest desired state that the device has accepted' }),
    features: z.array(z.string().max(64)).max(64).default([]),
    operatorVersions: z.record(z.string(), z.number().int().positive()).default({}),
    wallMs: wallMsSchema,
  })
  .meta({ id: 'Hello', title: 'Hello' });
export type Hello = z.infer<typeof helloSchema>;

/** Heartbeat, and the last will that the broker sends for a device that went silent. */
export const presenceSchema = z
  .object({ state: z.enum(['online', 'offline']), bootId: z.string().max(64), uptimeMs: z.number().nonnegative().optional() })
  .meta({ id: 'Presence', title: 'Presence' });
export type Presence = z.infer<typeof presenceSchema>;

/**
 * The fleet asks a device that is connected to start its session anew: whoever heard it before has ended, or a broker in between has, and
 * what was said meanwhile may not have been heard. It is not signed: all that comes of it is a `hello`, at most one in GREET_INTERVAL_MS.
 */
export const greetSchema = z
  .object({
    reason: z.enum(['handover', 'broker-lost', 'unheard']).meta({
      description: 'Another process hears the device now; its own broker was away; or it speaks without a hello that anybody has heard',
    }),
  })
  .meta({ id: 'Greet', title: 'Greet' });
export type Greet = z.infer<typeof greetSchema>;
