import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fullResultFile, fullResultSchema, keepFullResult } from './full-result.ts';
import { repositoryRoot } from './steps.ts';
import { treeAt } from './tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'starling-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: folder, encoding: 'utf8' });

test('a run is kept with its commit, time, scale and counts, and names no folder of this machine', () => {
  const file = join(folder, 'results/test-full.json');
  const summary = { passed: 3, failed: 1, skipped: 0, failedNames: [`${repositoryRoot}e2e/x.test.ts > fails`], skippedNames: [] };
  const [startedAt, endedAt] = [new Date('2026-01-02T03:04:05Z'), new Date('2026-01-02T04:04:05Z')];
  const kept = keepFullResult({ commit: 'a'.repeat(40), changedFiles: [], startedAt, endedAt, scale: 1, seed: 1, summary }, file);
  expect(fullResultSchema.parse(JSON.parse(readFileSync(file, 'utf8')))).toEqual(kept);
  expect(kept).toMatchObject({ startedAt: '2026-01-02T03:04:05.000Z', durationSeconds: 3600, passed: 3, failed: 1 });
  expect(kept.failedNames).toEqual(['e2e/x.test.ts > fails']);
});

test('what differs from the commit is named, the result itself apart', () => {
  git('init', '--quiet');
  writeFileSync(join(folder, 'code.ts'), '1');
  git('add', 'code.ts');
  git('commit', '--quiet', '-m', 'one');
  expect(treeAt(folder).commit).toBe(git('rev-parse', 'HEAD').trim());
  writeFileSync(join(folder, 'code.ts'), '2');
  keepFullResult(
    {
      ...treeAt(folder),
      ...{ startedAt: new Date(0), endedAt: new Date(1000), scale: 1, seed: 1 },
      summary: { passed: 1, failed: 0, skipped: 0, failedNames: [], skippedNames: [] },
    },
    join(folder, fullResultFile),
  );
  expect(treeAt(folder).changedFiles).toContain('code.ts');
  expect(treeAt(folder).changedFiles.filter((name) => name.includes('e2e'))).toEqual([]);
});

test('a result that is kept in the tree is of all repetitions, of a commit as it stands', () => {
  const path = join(repositoryRoot, fullResultFile);
  for (const text of existsSync(path) ? [readFileSync(path, 'utf8')] : []) {
    expect(fullResultSchema.parse(JSON.parse(text))).toMatchObject({ scale: 1, changedFiles: [] });
  }
});
