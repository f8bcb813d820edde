/**
 * The working tree -> static checks, the pages' builds, all tests -> `.cache/test/summary.json` and exit 1 if anything failed.
 * Everything runs even when an early part fails, so that one run names all that is wrong. With `--full` the outcome is also kept in
 * the tree, with the commit that it is of.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScale, testSeed } from '../harness/scale.ts';
import { fullResultFile, keepFullResult } from './full-result.ts';
import { pageSteps, repositoryRoot, runSteps, type Step, type StepResult, staticSteps } from './steps.ts';
import { summarise, type TestReport } from './summary.ts';
import { treeAt } from './tree.ts';

const outputDirectory = join(repositoryRoot, '.cache/test');
const reportFile = join(outputDirectory, 'vitest.json');

const isFull = process.argv.includes('--full');
const STEPS_AT_ONCE = 2;

/** Tests that repeat a thing many times do a seeded tenth of it, unless `--full` or the environment says otherwise. */
const scale = isFull ? 1 : parseScale(process.env.STARLING_TEST_SCALE);

function testStep(): Step {
  return {
    name: 'tests (Vitest)',
    command: join(repositoryRoot, 'node_modules/.bin/vitest'),
    arguments: ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
    environment: { STARLING_TEST_SCALE: `${scale}` },
  };
}

function readReport(): TestReport | undefined {
  return existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined;
}

rmSync(outputDirectory, { recursive: true, force: true });
mkdirSync(outputDirectory, { recursive: true });

const startedAt = new Date();
// Before anything runs: tests write into the tree, and a commit may be made meanwhile.
const tree = isFull ? treeAt(repositoryRoot) : undefined;
// The longest first: the types, and beside them the pages, most of whose time is one thread that compresses.
const [types, ...otherChecks] = staticSteps;
const steps: StepResult[] = await runSteps([...(types === undefined ? [] : [types]), ...pageSteps(), ...otherChecks], STEPS_AT_ONCE);
const [tests] = await runSteps([testStep()]);
const summary = summarise(steps, tests?.isPassed === true, readReport());

writeFileSync(join(outputDirectory, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
if (tree !== undefined) {
  keepFullResult({ ...tree, startedAt, endedAt: new Date(), scale, seed: testSeed(), summary }, join(repositoryRoot, fullResultFile));
  console.log(`kept in ${fullResultFile}`);
}
for (const name of summary.skippedNames) console.log(`skipped: ${name}`);
for (const name of summary.failedNames) console.log(`failed: ${name}`);
console.log(`\n${summary.passed} passed, ${summary.failed} failed${summary.skipped === 0 ? '' : `, ${summary.skipped} skipped`}`);
process.exitCode = summary.failed === 0 ? 0 : 1;
