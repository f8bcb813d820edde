import { expect, test } from 'vitest';
import { wordsOfGivenRelease } from './given-release.ts';

const device = {
  name: 'vm',
  desired: { release: 'a'.repeat(64), releaseName: 'yard-1' },
  reported: { phase: 'running' },
};

test('a device that somebody gave another release is let be, whatever its pipeline takes and whether it runs', () => {
  expect(wordsOfGivenRelease(device, 'a'.repeat(64))).toBeUndefined();
  expect(wordsOfGivenRelease({ ...device, desired: null }, 'b'.repeat(64))).toBeUndefined();
  expect(wordsOfGivenRelease(device, 'b'.repeat(64))).toBe('vm is on yard-1, which somebody gave it');
  const withdrawn = { ...device, desired: { release: null, releaseName: null } };
  expect(wordsOfGivenRelease(withdrawn, 'b'.repeat(64))).toMatch(/^vm has no release/);
  const failed = { ...device, reported: { phase: 'failed', error: { message: 'no operator "x"' } } };
  expect(wordsOfGivenRelease(failed, 'b'.repeat(64))).toBe(
    'vm is on yard-1, which somebody gave it, and could not run it: no operator "x"',
  );
});
