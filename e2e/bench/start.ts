import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { StarlingError } from '@starling/shared';
import { childEnvironment } from '../harness/config.ts';
import type { Measure, Say } from './result.ts';
import { withFolder } from './runtime.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 1_200_000;
const LINES_SHOWN = 20;
/** `✔ Start an agent and enrol it: abc… (2.4 s)`, as the demo says that a step is done. */
const STEP = /^✔ (?<title>[^:]+?)(?:: .*)? \((?<seconds>[\d.]+) s\)$/;

/** Title of the step that ends with it. */
const FIRST_TEXT = 'Read the first picture';

/** What a new user does: clone, `npm start`, until the first text is read. Packages come from the store of this machine, if it has them. */
export function measureStart(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const clone = join(folder, 'starling');
    const startedMs = performance.now();
    await promisify(execFile)('git', ['clone', '--quiet', '--no-local', repository, clone]);
    const clonedMs = performance.now();
    say(`cloned in ${seconds(clonedMs - startedMs)} s`);
    const { steps, firstStepMs, firstTextMs } = await runDemo(clone, folder, say);
    const endedMs = performance.now();
    const [first] = steps;
    if (first === undefined) throw new StarlingError('bench-failed', 'the demo finished no step');
    return [
      { name: 'clone', value: seconds(clonedMs - startedMs), unit: 's' },
      { name: 'Install packages and start the demo', value: seconds(firstStepMs - clonedMs) - first.tookSeconds, unit: 's' },
      ...steps.map(({ title, tookSeconds }) => ({ name: title, value: tookSeconds, unit: 's' })),
      { name: 'clean clone to first text read', value: seconds(firstTextMs - startedMs), unit: 's' },
      { name: 'clean clone to the end of all steps, and stop', value: seconds(endedMs - startedMs), unit: 's' },
    ];
  });
}

interface Step {
  title: string;
  tookSeconds: number;
}

interface DemoRun {
  /** With what they took. */
  steps: Step[];
  firstStepMs: number;
  firstTextMs: number;
}

async function runDemo(clone: string, folder: string, say: Say): Promise<DemoRun> {
  const child = spawn('npm', ['start', '--', '--once', 'true', '--http-port', '0', '--directory', join(folder, 'data')], {
    cwd: clone,
    env: childEnvironment({ PATH: outerPath() }),
    // A group of its own, so that nothing is left behind if it has to be ended.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const steps: Step[] = [];
  const lines: string[] = [];
  let firstStepMs = 0;
  let firstTextMs = Number.NaN;
  readLines(child, (line) => {
    lines.push(line);
    const { title, seconds: took } = STEP.exec(line)?.groups ?? {};
    if (title === undefined) return;
    if (steps.length === 0) firstStepMs = performance.now();
    steps.push({ title, tookSeconds: Number(took) });
    if (title === FIRST_TEXT) firstTextMs = performance.now();
    say(line);
  });
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), TIMEOUT_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  if (code === 0) return { steps, firstStepMs, firstTextMs };
  throw new StarlingError('bench-failed', `npm start ended with ${code}:\n${lines.slice(-LINES_SHOWN).join('\n')}`);
}

/** A user's path: without the programs of this checkout, which npm has put in front of it. */
function outerPath(): string {
  const path = childEnvironment({}).PATH ?? '';
  return path
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':');
}

function readLines(child: ChildProcess, take: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) take(stripVTControlCharacters(part).trim());
    });
  }
}

function seconds(durationMs: number): number {
  return Math.round(durationMs / 100) / 10;
}
