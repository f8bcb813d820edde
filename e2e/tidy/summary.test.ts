import { expect, test } from 'vitest';
import { summarise, type TestReport } from './summary.ts';

const passedStep = { name: 'types', isPassed: true, durationSeconds: 1 };
const failedStep = { name: 'lint', isPassed: false, durationSeconds: 1 };

function report(status: string, ...tests: string[]): TestReport {
  const assertionResults = tests.map((result, index) => ({ fullName: `test ${index}`, status: result }));
  return { testResults: [{ name: 'x.test.ts', status, assertionResults }] };
}

test('checks and tests are counted alike', () => {
  const summary = summarise([passedStep, failedStep], false, report('failed', 'passed', 'failed', 'pending'));
  expect(summary).toEqual({
    passed: 2,
    failed: 2,
    skipped: 1,
    failedNames: ['lint', 'x.test.ts > test 1'],
    skippedNames: ['x.test.ts > test 2'],
  });
});

test('all green is green', () => {
  expect(summarise([passedStep], true, report('passed', 'passed'))).toMatchObject({ passed: 2, failed: 0, skipped: 0 });
});

test('a test file that does not load is a failure', () => {
  expect(summarise([], false, report('failed'))).toMatchObject({ failed: 1, failedNames: ['x.test.ts'] });
});

test('a failure that belongs to no test is a failure', () => {
  expect(summarise([failedStep], false, report('passed', 'passed'))).toMatchObject({ passed: 1, failed: 2 });
});

test('a run without a report is a failure, even where Vitest ended well', () => {
  expect(summarise([passedStep], true, undefined)).toMatchObject({ passed: 1, failed: 1, failedNames: ['the test run itself'] });
});
