import { z } from 'zod';
import { nameSchema } from '../../ids.ts';
import { brokerParams, topicFilterSchema } from '../connection.ts';
import type { PortTexts, SourceSignature } from '../signature.ts';

const payloadPorts = { image: 'encoded-image', json: 'json', text: 'text', audio: 'audio' } as const;

const httpParams = z.strictObject({
  name: nameSchema.optional().meta({ description: 'Last part of the address, /v1/sources/NAME; without it the name of the node' }),
  accepts: z
    .array(z.enum(['image', 'json', 'text', 'audio', 'tensor']))
    .min(1)
    .max(5)
    .default(['image'])
    .meta({ description: 'What may be sent, by its content type; each has a port of its name' }),
  tensor: z
    .string()
    .max(200)
    .regex(/^tensor</, 'write a port type such as tensor<float32,[1,16]>')
    .default('tensor<float32,[1,n]>')
    .meta({ description: 'Type of the port `tensor`' }),
  wait: z.boolean().default(true).meta({ description: 'Answers with the outputs of the pipeline; otherwise once the item was taken' }),
  maximumMegabytes: z.number().int().min(1).max(256).default(64).meta({ description: 'Larger bodies are refused' }),
});

const mqttParams = z.strictObject({
  ...brokerParams,
  topic: topicFilterSchema.meta({ description: 'Topic filter' }),
  qos: z.union([z.literal(0), z.literal(1)]).default(1),
  payload: z.enum(['image', 'json', 'text']).default('json').meta({ description: 'What the messages hold; names the port too' }),
  streamPerTopic: z.boolean().default(false).meta({ description: 'Each topic is a stream of its own, with its own state in the graph' }),
});

const timerParams = z.strictObject({
  everyMs: z.number().int().min(10).max(86_400_000).default(1000).meta({ description: 'Time between two ticks; missed ones are left out' }),
});

/** What others send, and what the clock gives. */
export const pushedSources = {
  http: {
    name: 'http',
    version: 1,
    summary: "What is posted to /v1/sources/NAME of the agent's local server",
    outputs: {},
    params: httpParams,
    ports: ({ accepts, tensor }: z.output<typeof httpParams>) => ({
      outputs: Object.fromEntries(accepts.map((kind) => [kind, kind === 'tensor' ? tensor : payloadPorts[kind]])),
    }),
  },
  mqtt: {
    name: 'mqtt',
    version: 1,
    summary: 'Messages of a broker, over a connection of its own',
    outputs: { topic: 'json' },
    params: mqttParams,
    ports: ({ payload }: z.output<typeof mqttParams>): { outputs: PortTexts } => ({
      outputs: { [payload]: payloadPorts[payload], topic: 'json' },
    }),
  },
  timer: {
    name: 'timer',
    version: 1,
    summary: 'A tick at fixed times, with its count and time',
    outputs: { tick: 'json' },
    params: timerParams,
  },
} as const satisfies Record<string, SourceSignature>;
