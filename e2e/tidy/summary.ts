/** Results of the static checks and Vitest's JSON report -> one count of passed, failed and skipped. */
import type { StepResult } from './steps.ts';

/** The part of Vitest's JSON report (the shape of Jest's) that is counted. */
export interface TestReport {
  testResults: {
    name: string;
    status: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  failedNames: string[];
  skippedNames: string[];
}

/**
 * Counts each static check and each test as one.
 * @param areTestsPassed false if Vitest itself reported a failure, e.g. an unhandled rejection that belongs to no test: then at
 *   least one failure is counted, so that a red run can never read as green
 */
export function summarise(steps: readonly StepResult[], areTestsPassed: boolean, report: TestReport | undefined): Summary {
  const summary: Summary = { passed: 0, failed: 0, skipped: 0, failedNames: [], skippedNames: [] };
  for (const step of steps) count(summary, step.name, step.isPassed ? 'passed' : 'failed');
  const failedSteps = summary.failed;
  for (const file of report?.testResults ?? []) {
    for (const test of file.assertionResults) count(summary, `${file.name} > ${test.fullName}`, test.status);
    const isBrokenFile = file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
    if (isBrokenFile) count(summary, file.name, 'failed');
  }
  const isUnexplained = !areTestsPassed && summary.failed === failedSteps;
  if (isUnexplained || report === undefined) count(summary, 'the test run itself', 'failed');
  return summary;
}

function count(summary: Summary, name: string, status: string): void {
  if (status === 'passed') {
    summary.passed += 1;
  } else if (status === 'failed') {
    summary.failed += 1;
    summary.failedNames.push(name);
  } else {
    summary.skipped += 1;
    summary.skippedNames.push(name);
  }
}
