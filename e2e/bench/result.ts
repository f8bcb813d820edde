import { arch, cpus, release, totalmem, type } from 'node:os';
import { z } from 'zod';

/** One number of a bench. Without a target it is only reported. */
const measureSchema = z.object({
  name: z.string().min(1),
  value: z.number(),
  unit: z.string(),
  target: z.number().optional(),
  better: z.enum(['higher', 'lower']).optional().meta({ description: 'Which side of the target is good; higher if nothing is said' }),
  met: z.boolean().optional(),
  part: z.string().optional().meta({ description: 'Which part of the bench took it' }),
  commit: z.string().optional().meta({ description: 'What it was taken of; `+` where files were not as in the commit' }),
  takenAt: z.iso.datetime().optional(),
});
export type Measure = Omit<z.infer<typeof measureSchema>, 'met'>;

const failureSchema = z.object({ part: z.string(), message: z.string() });
export type Failure = z.infer<typeof failureSchema>;

/** What a bench found out. */
export interface Findings {
  measures: Measure[];
  /** Parts whose measures are missing. */
  failures: Failure[];
}

/** Where something was measured. */
export const machineSchema = z.object({
  processor: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: z.number().int().positive(),
  system: z.string(),
  node: z.string(),
});

/** What lies in `results/NAME.json`. */
export const benchResultSchema = z.object({
  bench: z.string(),
  machine: machineSchema,
  measures: z.array(measureSchema).min(1),
  failures: z.array(failureSchema).optional().meta({ description: 'Parts whose measures are missing, and why' }),
});
export type BenchResult = z.infer<typeof benchResultSchema>;

export function judge(bench: string, measures: readonly Measure[], failures: readonly Failure[] = []): BenchResult {
  return benchResultSchema.parse({
    bench,
    machine: describeMachine(),
    measures: measures.map((measure) => (measure.target === undefined ? measure : { ...measure, met: isMet(measure) })),
    ...(failures.length === 0 ? {} : { failures }),
  });
}

function isMet({ value, target = Number.NaN, better = 'higher' }: Measure): boolean {
  return better === 'higher' ? value >= target : value <= target;
}

export function describeMachine(): z.infer<typeof machineSchema> {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? arch(),
    cores: processors.length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
  };
}

/** The measures as a table for the terminal. */
export function tableOf({ measures, failures = [] }: BenchResult): string {
  const rows = measures.map(({ name, value, unit, target, better, met }) => [
    name,
    `${numeral(value)} ${unit}`,
    target === undefined ? '' : `${better === 'lower' ? 'at most' : 'at least'} ${numeral(target)} ${unit}`,
    met === undefined ? '' : met ? 'met' : 'MISSED',
  ]);
  const all = [['measure', 'value', 'target', ''], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => (column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const broken = failures.map(({ part, message }) => `${part.padEnd(widths[0] ?? 0)}  FAILED: ${message}`);
  return [...lines.toSpliced(1, 0, widths.map((width) => '-'.repeat(width)).join('  ')), ...broken].join('\n');
}

function numeral(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(Math.abs(value) >= 1000 ? 5 : 4);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The smallest value that at least `part` of the values do not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** Reports progress, a line at a time. */
export type Say = (line: string) => void;
