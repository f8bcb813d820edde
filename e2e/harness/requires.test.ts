import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { repositoryRoot } from '../tidy/steps.ts';

let directory: string;

beforeEach(() => {
  // Inside the repository, so that the suite planted there finds Vitest.
  mkdirSync(join(repositoryRoot, '.cache'), { recursive: true });
  directory = mkdtempSync(join(repositoryRoot, '.cache/requires-'));
  writeFileSync(join(directory, 'vitest.config.mjs'), 'export default {};');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Counts {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
}

/** Runs Vitest over a suite that needs ffmpeg, on a path where ffmpeg is or is not. */
function runSuite(hasProgram: boolean, requireAll: string): Counts & { text: string } {
  if (hasProgram) writeFileSync(join(directory, 'ffmpeg'), '#!/bin/sh\n', { mode: 0o755 });
  const harness = fileURLToPath(new URL('./requires.ts', import.meta.url));
  const suite = `import { test, expect } from 'vitest';
import { describeWith } from ${JSON.stringify(harness)};
describeWith(['ffmpeg'], 'films', ({ ffmpeg }) => { test('plays', () => { expect(ffmpeg).toBe(${JSON.stringify(join(directory, 'ffmpeg'))}); }); });`;
  writeFileSync(join(directory, 'films.test.ts'), suite);
  const vitest = join(repositoryRoot, 'node_modules/vitest/vitest.mjs');
  const report = join(directory, 'report.json');
  const options = ['run', '--root', directory, '--reporter=json', `--outputFile=${report}`];
  try {
    execFileSync(process.execPath, [vitest, ...options], {
      env: { PATH: directory, STARLING_REQUIRE_ALL: requireAll },
      stdio: 'pipe',
    });
  } catch {
    // A failing suite ends with 1; the report says the rest.
  }
  const text = readFileSync(report, 'utf8');
  return { ...JSON.parse(text), text };
}

test('runs where the program is there, with its path', () => {
  expect(runSuite(true, '1')).toMatchObject({ success: true, numPassedTests: 1 });
});

test('is skipped by name and counted where it is missing', () => {
  const result = runSuite(false, '');
  expect(result).toMatchObject({ success: true, numPassedTests: 0, numPendingTests: 1 });
  expect(result.text).toContain('films [skipped: this machine has no ffmpeg]');
});

test('fails where it is missing and everything is required', () => {
  expect(runSuite(false, '1')).toMatchObject({ success: false, numPassedTests: 0, numFailedTests: 1 });
});
