/** What a run of a bench found, and what is kept of it -> `results/NAME.json`, where every figure says of which commit it is. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { StarlingError } from '@starling/shared';
import { repositoryRoot } from '../tidy/steps.ts';
import { treeAt } from '../tidy/tree.ts';
import { type BenchResult, benchResultSchema, type Failure, type Measure } from './result.ts';

export const resultsFolder = fileURLToPath(new URL('./results', import.meta.url));
const SHORT_COMMIT = 10;

/** Of which commit figures are that are taken now. */
export function stampOf(takenAt: Date, root = repositoryRoot): Pick<Measure, 'commit' | 'takenAt'> {
  const { commit, changedFiles } = treeAt(root);
  return { commit: `${commit.slice(0, SHORT_COMMIT)}${changedFiles.length > 0 ? '+' : ''}`, takenAt: takenAt.toISOString() };
}

interface Keeping {
  /** Parts of the bench, in their order. */
  bench: { parts?: readonly string[] };
  /** Those that ran, if not all did. */
  parts?: readonly string[] | undefined;
  folder?: string;
}

/**
 * Of parts that did not run, what was kept stays.
 *
 * @returns the path of the file
 * @throws StarlingError `bench-not-kept` if only parts ran and what is kept is of another machine, or does not say what is of which part
 */
export async function keepResult(result: BenchResult, { bench, parts, folder = resultsFolder }: Keeping): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = `${folder}/${result.bench}.json`;
  const kept = parts === undefined ? undefined : await readKept(path);
  const whole = kept === undefined ? result : merged(kept, result, { order: bench.parts ?? [], ran: parts ?? [] });
  await writeFile(path, `${JSON.stringify(whole, null, 2)}\n`);
  return path;
}

async function readKept(path: string): Promise<BenchResult | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : benchResultSchema.parse(JSON.parse(text));
}

function merged(kept: BenchResult, now: BenchResult, { order, ran }: { order: readonly string[]; ran: readonly string[] }): BenchResult {
  requireAlike(kept, now);
  const ofPart = <Entry extends Pick<Failure, 'part'> | Pick<Measure, 'part'>>(
    before: readonly Entry[],
    after: readonly Entry[],
  ): Entry[] => order.flatMap((part) => (ran.includes(part) ? after : before).filter((entry) => entry.part === part));
  const failures = ofPart(kept.failures ?? [], now.failures ?? []);
  return { ...now, measures: ofPart(kept.measures, now.measures), ...(failures.length === 0 ? { failures: undefined } : { failures }) };
}

function requireAlike(kept: BenchResult, now: BenchResult): void {
  const hint = 'run the bench without --part';
  const at = (path: string) => ({ field: path, hint });
  if (kept.measures.some(({ part }) => part === undefined))
    throw new StarlingError('bench-not-kept', 'what is kept does not say which figure is of which part', at('--part'));
  if (kept.machine.processor !== now.machine.processor || kept.machine.cores !== now.machine.cores)
    throw new StarlingError('bench-not-kept', `what is kept was measured on another machine (${kept.machine.processor})`, at('--part'));
}
