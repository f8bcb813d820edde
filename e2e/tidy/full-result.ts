/** What a run of every repetition gave, and of which commit -> `e2e/results/test-full.json`, for whoever asks whether it holds. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { describeMachine, machineSchema } from '../bench/result.ts';
import { repositoryRoot } from './steps.ts';
import type { Summary } from './summary.ts';
import type { Tree } from './tree.ts';

export const fullResultFile = 'e2e/results/test-full.json';

export const fullResultSchema = z.strictObject({
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  /** Files that were not as in the commit when the run began. What counts as proof has none. */
  changedFiles: z.array(z.string()),
  startedAt: z.iso.datetime(),
  durationSeconds: z.number().positive(),
  /** Share of the repetitions that ran; 1 is all of them. */
  scale: z.number().positive().max(1),
  seed: z.number(),
  machine: machineSchema,
  passed: z.number().int().nonnegative(),
  failed: z.number().int().nonnegative(),
  skipped: z.number().int().nonnegative(),
  failedNames: z.array(z.string()),
  skippedNames: z.array(z.string()),
});
export type FullResult = z.infer<typeof fullResultSchema>;

export interface FullRun extends Tree {
  startedAt: Date;
  endedAt: Date;
  scale: number;
  seed: number;
  summary: Summary;
}

/** Writes the result, red or green: a red one that is not kept would be one that nobody hears of. */
export function keepFullResult({ startedAt, endedAt, summary, ...run }: FullRun, file: string): FullResult {
  const result = fullResultSchema.parse({
    ...run,
    startedAt: startedAt.toISOString(),
    durationSeconds: Math.round((endedAt.getTime() - startedAt.getTime()) / 1000),
    machine: describeMachine(),
    ...summary,
    failedNames: summary.failedNames.map(withoutRoot),
    skippedNames: summary.skippedNames.map(withoutRoot),
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** Where the tree lay when it was tested means nothing to whoever reads the result elsewhere. */
function withoutRoot(name: string): string {
  return name.replaceAll(repositoryRoot, '');
}
