import { agentBuildSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { chooseBuild } from './index.ts';

const digest = 'ab'.repeat(32);
const build = agentBuildSchema.parse({
  ...{ kind: 'agent-build', schemaVersion: 1, fleetId: 'fleet-a', version: '2.0.0', issuedAtMs: 1000 },
  packages: [{ platform: 'linux-arm64', digest, manifest: digest, sizeBytes: 5 }],
});
const here = { version: '1.0.0', issuedAtMs: 1000, platform: 'linux-arm64', fleetId: 'fleet-a' };

test('the package of the platform is taken', () => {
  expect(chooseBuild(build, here).digest).toBe(digest);
});

test.each([
  ['of another fleet', { fleetId: 'fleet-b' }, 'wrong-fleet'],
  ['that was published before the one that runs', { issuedAtMs: 1001 }, 'older-build'],
  ['for other hardware', { platform: 'linux-x64' }, 'no-package'],
])('a build %s is refused', (_what, change, code) => {
  expect(() => chooseBuild(build, { ...here, ...change })).toThrow(expect.objectContaining({ code, field: 'build' }));
});
