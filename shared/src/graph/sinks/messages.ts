import { z } from 'zod';
import { addressSchema, brokerParams, credentialsNameSchema, topicTemplateSchema } from '../connection.ts';
import type { SinkSignature } from '../signature.ts';

const spoolMegabytes = z
  .number()
  .int()
  .min(1)
  .max(4096)
  .default(64)
  .meta({ description: 'Disk for what waits to be sent; when it is full the oldest goes' });

const mqttParams = z.strictObject({
  ...brokerParams,
  topic: topicTemplateSchema.meta({
    description: 'Topic; {stream}, {node}, {pipeline}, {device}, {sequence} and fields of the value such as {value.class} are filled in',
  }),
  payload: z.enum(['json', 'text', 'image']).default('json').meta({ description: 'What is made of the value' }),
  qos: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .meta({ description: '1: kept on disk until the broker has confirmed it' }),
  retain: z.boolean().default(false),
  spoolMegabytes,
});

const webhookParams = z.strictObject({
  url: addressSchema('https?', 'https://example.org/hook'),
  credentials: credentialsNameSchema
    .optional()
    .meta({ description: 'Entry with a user and password, or a token, for the header Authorization' }),
  signature: credentialsNameSchema.optional().meta({ description: 'Entry whose secret signs each request (HMAC-SHA256)' }),
  timeoutMs: z.number().int().min(100).max(120_000).default(10_000).meta({ description: 'A request that takes longer is tried again' }),
  retryDelayMs: z
    .number()
    .int()
    .min(10)
    .max(600_000)
    .default(1000)
    .meta({ description: 'Before the second try; doubled before each further one' }),
  retryDelayMaximumMs: z.number().int().min(10).max(3_600_000).default(300_000),
  maximumAgeHours: z.number().min(0.01).max(720).default(72).meta({ description: 'What could not be delivered for this long is given up' }),
  spoolMegabytes,
});

/** Sinks that send each value on. */
export const messageSinks = {
  mqtt: {
    name: 'mqtt',
    version: 1,
    summary: 'Publishes each value to a broker, over a connection of its own',
    inputs: { value: 'any' },
    params: mqttParams,
    isLocal: false,
  },
  webhook: {
    name: 'webhook',
    version: 1,
    summary: 'Posts each value as JSON to a web address, in order, until it was taken',
    inputs: { value: 'any', image: 'any' },
    optional: ['image'],
    params: webhookParams,
    isLocal: false,
  },
} as const satisfies Record<string, SinkSignature>;
