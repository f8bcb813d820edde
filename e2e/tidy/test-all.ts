/**
 * The working tree -> static checks, the dashboard's build, all tests -> `.cache/test/summary.json` and exit 1 if anything failed.
 * Everything runs even when an early part fails, so that one run names all that is wrong.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardSteps, repositoryRoot, runSteps, type Step, type StepResult, staticSteps } from './steps.ts';
import { summarise, type TestReport } from './summary.ts';

const outputDirectory = join(repositoryRoot, '.cache/test');
const reportFile = join(outputDirectory, 'vitest.json');

/** Tests that repeat a thing many times do a seeded tenth of it, unless `--full` or the environment says otherwise. */
function testScale(): string {
  return process.argv.includes('--full') ? '1' : (process.env.STARLING_TEST_SCALE ?? '0.1');
}

function testStep(): Step {
  return {
    name: 'tests (Vitest)',
    command: join(repositoryRoot, 'node_modules/.bin/vitest'),
    arguments: ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
    environment: { STARLING_TEST_SCALE: testScale() },
  };
}

function readReport(): TestReport | undefined {
  return existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined;
}

rmSync(outputDirectory, { recursive: true, force: true });
mkdirSync(outputDirectory, { recursive: true });

const steps: StepResult[] = await runSteps([...staticSteps, ...dashboardSteps()]);
const [tests] = await runSteps([testStep()]);
const summary = summarise(steps, tests?.isPassed === true, readReport());

writeFileSync(join(outputDirectory, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
for (const name of summary.skippedNames) console.log(`skipped: ${name}`);
for (const name of summary.failedNames) console.log(`failed: ${name}`);
console.log(`\n${summary.passed} passed, ${summary.failed} failed${summary.skipped === 0 ? '' : `, ${summary.skipped} skipped`}`);
process.exitCode = summary.failed === 0 ? 0 : 1;
