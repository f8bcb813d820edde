/** Named commands -> run with their output shown -> what passed, what failed, and how long each took. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

export interface Step {
  name: string;
  command: string;
  arguments: string[];
  /** Relative to the repository. */
  directory?: string;
  environment?: Record<string, string>;
}

export interface StepResult {
  name: string;
  isPassed: boolean;
  durationSeconds: number;
}

const bin = (name: string): string => join(repositoryRoot, 'node_modules', '.bin', name);

/** The folders that dependency-cruiser walks: those that exist among the packages. */
const packages = ['shared', 'device-profiles', 'agent', 'fleet', 'e2e'];

/** Everything that is checked without running the product. Each counts as one test. */
export const staticSteps: Step[] = [
  { name: 'types (TypeScript)', command: process.execPath, arguments: ['e2e/tidy/typecheck.ts'] },
  { name: 'format and lint (Biome)', command: bin('biome'), arguments: ['check', '--error-on-warnings', '.'] },
  { name: 'arrows (dependency-cruiser)', command: bin('depcruise'), arguments: ['--config', '.dependency-cruiser.cjs', ...packages] },
  { name: 'dead code (knip)', command: bin('knip'), arguments: [] },
];

export const tidyStep: Step = { name: 'style (e2e/tidy)', command: bin('vitest'), arguments: ['run', '--project', 'tidy'] };

/** Pages are built before the journeys that open them; a tree without one has nothing to build. */
export function pageSteps(): Step[] {
  return [
    { name: 'build of the dashboard', directory: 'fleet/dashboard' },
    { name: 'build of the page for browsers', directory: 'agent' },
  ].flatMap(({ name, directory }) => (canBuild(directory) ? [{ name, command: 'npm', arguments: ['run', 'build'], directory }] : []));
}

function canBuild(directory: string): boolean {
  const manifest = join(repositoryRoot, directory, 'package.json');
  if (!existsSync(manifest)) return false;
  const scripts: unknown = JSON.parse(readFileSync(manifest, 'utf8')).scripts;
  return typeof scripts === 'object' && scripts !== null && 'build' in scripts;
}

/** @param isAlone its output is shown as it comes; else once it has ended, so that two do not mix */
function runStep(step: Step, isAlone: boolean): Promise<StepResult> {
  if (isAlone) console.log(`\n▶ ${step.name}`);
  const startMs = performance.now();
  return new Promise((resolve) => {
    const said: Buffer[] = [];
    const finish = (isPassed: boolean) => {
      const durationSeconds = Math.round((performance.now() - startMs) / 100) / 10;
      if (!isAlone) process.stdout.write(`\n▶ ${step.name}\n${Buffer.concat(said)}`);
      console.log(`${isPassed ? '✔' : '✘'} ${step.name} (${durationSeconds} s)`);
      resolve({ name: step.name, isPassed, durationSeconds });
    };
    const child = spawn(step.command, step.arguments, {
      cwd: join(repositoryRoot, step.directory ?? '.'),
      env: { ...process.env, ...step.environment },
      stdio: isAlone ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => said.push(bytes));
    child.on('error', (error) => {
      console.error(`${step.command} did not start: ${error.message}`);
      finish(false);
    });
    // Once its output is complete.
    child.on('close', (code) => finish(code === 0));
  });
}

/** @param atOnce how many may run beside each other, in the order given */
export async function runSteps(steps: readonly Step[], atOnce = 1): Promise<StepResult[]> {
  const results = new Map<Step, StepResult>();
  const waiting = [...steps];
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) results.set(step, await runStep(step, atOnce === 1));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return steps.flatMap((step) => results.get(step) ?? []);
}
