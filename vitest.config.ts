import { defineConfig } from 'vitest/config';

/** One file at a time keeps journeys with real processes, ports and clocks honest on two cores. */
const journey = { testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false };
const ignored = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    // A crashed native run must take down its own test file and no other, so every file has a process.
    pool: 'forks',
    maxWorkers: 2,
    passWithNoTests: true,
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{shared,device-profiles,agent,fleet}/**/*.test.{ts,tsx}', 'e2e/{harness,demo}/**/*.test.ts'],
          exclude: ignored,
          testTimeout: 20_000,
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
          exclude: [...ignored, 'e2e/{tidy,harness,demo}/**'],
          ...journey,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
