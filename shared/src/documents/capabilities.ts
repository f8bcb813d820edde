import { z } from 'zod';

const text = z.string().max(500);

/** What a browser is and can do, as its agent found by trying: no user agent tells it truly. */
export const browserCapabilitiesSchema = z.object({
  name: z
    .string()
    .max(100)
    .meta({ examples: ['Chromium', 'Firefox', 'Safari'] }),
  version: z.string().max(100).default(''),
  mobile: z.boolean().default(false),
  secureContext: z.boolean(),
  crossOriginIsolated: z.boolean().meta({ description: 'Whether memory can be shared between threads' }),
  wasm: z.object({
    simd: z.boolean(),
    relaxedSimd: z.boolean().default(false),
    threads: z.number().int().min(1).max(1024).meta({ description: 'Threads that sessions use; 1 without cross-origin isolation' }),
  }),
  webgpu: z
    .object({
      vendor: text.default(''),
      architecture: text.default(''),
      device: text.default(''),
      description: text.default(''),
      software: z.boolean().default(false).meta({ description: 'Whether the adapter computes on the processor' }),
      features: z.array(z.string().max(64)).max(64).default([]),
      maximumBufferBytes: z.number().int().nonnegative().optional(),
    })
    .nullable()
    .default(null),
  webnn: z.boolean().default(false),
  storage: z
    .object({
      opfs: z.boolean(),
      persisted: z.boolean().meta({ description: 'Whether the browser promised not to clear it when it needs room' }),
    })
    .default({ opfs: false, persisted: false }),
  key: z
    .enum(['non-extractable', 'extractable'])
    .optional()
    .meta({ description: 'How the device key is kept: by the browser, which never shows it, or readable to the page' }),
});
export type BrowserCapabilities = z.infer<typeof browserCapabilitiesSchema>;

/** What one agent measured of its own device. Unknown fields are ignored, so that a newer agent may tell more. */
export const capabilitiesSchema = z
  .object({
    schemaVersion: z.literal(1),
    environment: z.enum(['node', 'browser']),
    os: text.meta({ examples: ['linux', 'darwin', 'android'] }),
    architecture: text.meta({ examples: ['x64', 'arm64', 'wasm'] }),
    kernel: text.optional(),
    agentVersion: z.string().max(64),
    runtimeVersions: z.record(z.string(), z.string().max(100)).default({}),
    cpu: z.object({
      vendor: text.default(''),
      model: text.default(''),
      cores: z.number().int().positive().meta({ description: 'Logical cores that the operating system schedules on' }),
      maximumMhz: z.number().nonnegative().optional(),
      isa: z
        .array(z.string().max(40))
        .max(256)
        .default([])
        .meta({
          description: 'Instruction set features as Linux names them; in browsers simd128, threads and shader-f16',
          examples: [
            ['avx2', 'avx512_vnni', 'avx_vnni'],
            ['asimddp', 'i8mm'],
          ],
        }),
      virtualised: z.boolean().default(false).meta({ description: 'Whether the processor is that of a virtual machine' }),
    }),
    deviceTree: z.object({ model: text, compatible: z.array(text).max(32) }).optional(),
    gpus: z
      .array(z.object({ vendor: text, name: text, api: text }))
      .max(16)
      .default([]),
    executionProviders: z
      .array(
        z.object({
          name: z.string().max(64),
          ran: z.boolean(),
          error: text.optional(),
          probeMs: z.number().nonnegative().optional().meta({ description: 'Median time of the small model that it was tried with' }),
        }),
      )
      .max(32)
      .default([])
      .meta({ description: 'Execution providers that the engine offers, and whether a model really ran on them' }),
    memory: z.object({ totalBytes: z.number().int().nonnegative(), availableBytes: z.number().int().nonnegative() }),
    disk: z.object({ totalBytes: z.number().int().nonnegative(), freeBytes: z.number().int().nonnegative() }),
    energySensors: z
      .array(z.object({ kind: z.string().max(40), path: text, readable: z.boolean() }))
      .max(64)
      .default([]),
    operatorVersions: z
      .record(z.string().max(64), z.number().int().positive())
      .default({})
      .meta({ description: 'Operators that this agent can run, with their versions' }),
    userAgent: text.optional(),
    browser: browserCapabilitiesSchema.optional(),
    hostName: text.optional(),
  })
  .meta({ id: 'Capabilities', title: 'Capabilities' });
export type Capabilities = z.infer<typeof capabilitiesSchema>;
