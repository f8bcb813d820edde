import { defineConfig } from 'vitest/config';

const patient = { testTimeout: 180_000, hookTimeout: 180_000 };
/**
 * What is measured, or judged by the clock or by its memory, runs one file at a time: it must have two cores to itself. So does what adds
 * addresses to the machine: Chromium then gives up whatever it is loading, in the tests of others too.
 */
const alone = [
  'e2e/device/{benchmark,self-measuring,tuning}.test.ts',
  'e2e/browser/serving.test.ts',
  'e2e/cluster/cluster.test.ts',
  'e2e/faults/{disk-full,endless-body,native-run,stalled-reader}.test.ts',
  'e2e/install/install.test.ts',
];
const ignored = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    // A crashed native run must take down its own test file and no other, so every file has a process.
    pool: 'forks',
    globalSetup: 'e2e/harness/seeds-of-run.ts',
    setupFiles: ['e2e/harness/seed-properties.ts'],
    maxWorkers: 2,
    passWithNoTests: true,
    allowOnly: false,
    // One second, which is what it is else, is nothing on a busy machine.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{shared,device-profiles,agent,fleet}/**/*.test.{ts,tsx}', 'e2e/{harness,demo}/**/*.test.ts'],
          exclude: ignored,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'tidy', include: ['e2e/tidy/**/*.test.ts'], exclude: ignored, testTimeout: 60_000, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: [...ignored, 'e2e/{tidy,harness,demo}/**', ...alone],
          ...patient,
          // Journeys wait for processes of their own half of the time: a third one fills the two cores.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          exclude: ignored,
          ...patient,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
