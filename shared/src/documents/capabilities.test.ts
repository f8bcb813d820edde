import { expect, test } from 'vitest';
import { capabilitiesSchema } from './capabilities.ts';

const least = {
  schemaVersion: 1,
  environment: 'node',
  os: 'linux',
  architecture: 'arm64',
  agentVersion: '1.0.0',
  cpu: { cores: 4 },
  memory: { totalBytes: 1, availableBytes: 1 },
  disk: { totalBytes: 1, freeBytes: 1 },
};

test('what an agent could not measure is left out, not refused', () => {
  expect(capabilitiesSchema.parse(least)).toMatchObject({
    cpu: { vendor: '', model: '', cores: 4, isa: [], virtualised: false },
    gpus: [],
    executionProviders: [],
    energySensors: [],
  });
});

test('fields of a newer agent are ignored, at every depth', () => {
  const parsed = capabilitiesSchema.parse({ ...least, quantumCores: 2, cpu: { cores: 4, neuralCores: 16 } });
  expect(parsed).not.toHaveProperty('quantumCores');
  expect(parsed.cpu).not.toHaveProperty('neuralCores');
});

test.each([
  ['cpu.cores', { cpu: { cores: 0 } }],
  ['os', { os: 'x'.repeat(501) }],
  ['cpu.isa', { cpu: { cores: 1, isa: Array.from({ length: 257 }, (_, index) => `f${index}`) } }],
  ['memory.totalBytes', { memory: { totalBytes: -1, availableBytes: 0 } }],
  ['schemaVersion', { schemaVersion: 2 }],
])('a hostile or broken %s is refused by name', (field, change) => {
  const result = capabilitiesSchema.safeParse({ ...least, ...change });
  expect(result.error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
});
