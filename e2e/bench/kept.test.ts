import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepResult, stampOf } from './kept.ts';
import { type BenchResult, benchResultSchema, judge, type Measure } from './result.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-results-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bench = { parts: ['first', 'second'] };
const row = (part: string, value: number, name = part): Measure => ({ name, value, unit: 'x', target: 1, part, commit: `c${value}` });
const keep = (result: BenchResult, parts?: string[]) => keepResult(result, { bench, parts, folder });
const kept = async () => benchResultSchema.parse(JSON.parse(await readFile(join(folder, 'some.json'), 'utf8')));

test('a result is kept under its name and reads back', async () => {
  const result = judge('some', [row('first', 2)]);
  expect(await keep(result)).toBe(join(folder, 'some.json'));
  expect(await kept()).toEqual(result);
});

test('a part that ran alone takes the place of what was kept of it, and of nothing else', async () => {
  await keep(judge('some', [row('first', 1), row('second', 1), row('second', 1, 'gone')]));
  await keep(judge('some', [row('second', 2)]), ['second']);
  expect((await kept()).measures).toEqual(judge('some', [row('first', 1), row('second', 2)]).measures);
  await keep(judge('some', [row('first', 3)]), ['first']);
  expect((await kept()).measures.map(({ part, value, commit }) => [part, value, commit])).toEqual([
    ['first', 3, 'c3'],
    ['second', 2, 'c2'],
  ]);
});

test('a part that fails leaves none of its former figures, and one that ends again leaves no failure', async () => {
  await keep(judge('some', [row('first', 1), row('second', 1)]));
  const failures = [{ part: 'second', message: 'no room' }];
  await keep(judge('some', [row('first', 2)], failures), ['first', 'second']);
  expect(await kept()).toMatchObject({ failures, measures: [{ part: 'first', value: 2 }] });
  await keep(judge('some', [row('first', 3)]), ['first']);
  expect(await kept()).toMatchObject({ failures, measures: [{ part: 'first', value: 3 }] });
  await keep(judge('some', [row('second', 4)]), ['second']);
  expect((await kept()).failures).toBeUndefined();
});

test('parts are not put beside figures of another machine, or of nobody knows which part', async () => {
  const result = judge('some', [row('first', 1)]);
  await keep({ ...result, machine: { ...result.machine, cores: result.machine.cores + 1 } });
  await expect(keep(result, ['first'])).rejects.toMatchObject({ code: 'bench-not-kept', field: '--part' });
  await keep(judge('some', [{ name: 'old', value: 1, unit: 'x' }]));
  await expect(keep(result, ['first'])).rejects.toMatchObject({ code: 'bench-not-kept' });
  await keep(result);
  expect(await kept()).toEqual(result);
});

test('figures name the commit, and whether the files were as in it', () => {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: folder, encoding: 'utf8' });
  git('init', '--quiet');
  writeFileSync(join(folder, 'code.ts'), '1');
  git('add', 'code.ts');
  git('commit', '--quiet', '-m', 'one');
  const commit = git('rev-parse', '--short=10', 'HEAD').trim();
  const takenAt = new Date('2026-01-02T03:04:05Z');
  expect(stampOf(takenAt, folder)).toEqual({ commit, takenAt: '2026-01-02T03:04:05.000Z' });
  writeFileSync(join(folder, 'code.ts'), '2');
  expect(stampOf(takenAt, folder).commit).toBe(`${commit}+`);
});
