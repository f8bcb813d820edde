import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { childEnvironment } from '../harness/config.ts';

/** What `npm start` runs once everything is installed. It may have to build both pages and two models first. */
const program = fileURLToPath(new URL('../demo/main.ts', import.meta.url));
const START_TIMEOUT_MS = 600_000;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-start-again-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** @returns what the steps said, by their titles, and everything that was printed */
function start(...flags: string[]): Promise<{ exitCode: number | null; said: Record<string, string>; printed: string }> {
  return new Promise((resolve, reject) => {
    const args = [program, '--directory', directory, '--scenes', '2', '--http-port', '0', ...flags];
    const child = spawn(process.execPath, args, { env: childEnvironment({}), stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += stripVTControlCharacters(text);
      });
    child.once('error', reject);
    child.once('close', (exitCode) => {
      const steps = printed.matchAll(/^✔ (?<title>[^:\n]+)(?:: (?<words>.*))? \([0-9.]+ s\)$/gm);
      const said = Object.fromEntries([...steps].map(({ groups }) => [groups?.title ?? '', groups?.words ?? '']));
      resolve({ exitCode, said, printed });
    });
  });
}

test('a second start goes on where the first one ended: the same device, the same release, nothing made twice', {
  timeout: 2 * START_TIMEOUT_MS,
}, async () => {
  const first = await start('--once');
  expect(first.exitCode, first.printed).toBe(0);
  const root = 'Make the keys of the demo and publish the root';
  expect(first.said[root]).toBe('made');
  expect(first.said['Read the first picture']).toMatch(/^scene-.* in \d+ ms$/);
  expect(first.printed).toMatch(/Login +\S+@\S+ +\S+/);

  const second = await start('--once');
  expect(second.exitCode, second.printed).toBe(0);
  expect(second.said).toMatchObject({
    'Build the dashboard': 'there already',
    'Paint the first pictures': 'there already',
    [root]: 'there already',
    'Build the page for browsers, begun at the start': 'there already',
  });
  for (const same of ['Sign the pipeline and the release', 'Start an agent and enrol it', 'Pull what fits this machine, test it, run it'])
    expect(second.said[same]).toBe(first.said[same]);
  const textsOf = ({ said }: typeof first): string => (said['Read the first picture'] ?? '').replace(/ in \d+ ms$/, '');
  expect(textsOf(second)).toBe(textsOf(first));
  expect(second.printed).toMatch(/Login +as before/);
});

test('a setting that is wrong is named before anything starts', async () => {
  const { exitCode, printed, said } = await start('--scenes', 'many');
  expect(exitCode).toBe(1);
  expect(printed).toMatch(/scenes: /);
  expect(printed).toContain('see npm start -- --help');
  expect(said).toEqual({});
});
