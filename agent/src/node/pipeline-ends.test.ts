import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Pipeline, pipelineSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import type { RunningRelease } from '../core/ports/pipeline-ends.ts';
import { createSystemClock } from './clock.ts';
import { openCredentials } from './credentials.ts';
import { systemRandom } from './ids.ts';
import { createLog } from './log.ts';
import { createPipelineEnds } from './pipeline-ends.ts';
import { createPushEndpoints } from './sources/index.ts';

const pipeline: Pipeline = pipelineSchema.parse({
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'p', version: '1.0.0', fleetId: 'f', outputs: { y: 'json' } },
  nodes: { in: { source: 'http', params: { accepts: ['json'] } } },
  edges: [{ from: 'in.json', to: 'output.y' }],
});
const release = (digest: string): RunningRelease => ({
  ...{ digest: digest.repeat(64), pipelines: [pipeline], parameters: {} },
  egress: { outputs: [], edges: [], sinks: [], streams: [] } as never,
});

test('a release that comes back while the last of its items are let through takes items again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ends-'));
  const endpoints = createPushEndpoints();
  const clock = createSystemClock();
  const ends = createPipelineEnds({
    ...{ device: 'a'.repeat(26), clock, random: systemRandom, endpoints, log: createLog('error', clock.wallMs, () => undefined) },
    ...{ credentials: openCredentials(join(folder, 'credentials.yaml')), tell: () => undefined, parameters: {}, directory: folder },
    ...{ filesFolder: folder, encode: async () => new Uint8Array() },
    host: { infer: async () => ({}) as never },
  });
  try {
    ends.running(release('a'));
    await expect.poll(() => endpoints.find('in')).toBeDefined();
    ends.running(release('b'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    ends.running(release('a'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(endpoints.find('in')).toBeDefined();
  } finally {
    await ends.close();
    await rm(folder, { recursive: true });
  }
  expect(() => endpoints.find('in')).toThrow('no running pipeline');
});
