/** Model files and an input -> how long each takes on one thread, where that time goes, and how alike their outputs are. */
import { glob, readFile } from 'node:fs/promises';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { digitsModelFile } from '../digits/index.ts';
import { median } from './result.ts';

const WARM_UP_ROUNDS = 2;
const RUNS_PROFILED = 5;

const options = { graphOptimizationLevel: 'all', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;

/** Runs of one round, for models that are faster than the clock can tell: the digit classifier takes a tenth of a millisecond. */
export function runsOf(source: string): number {
  return source === digitsModelFile ? 50 : 1;
}

/**
 * Medians of processor time in ms, in turns, so that whatever else the machine does meets all of them.
 * @param runs of one round, for models that are faster than the clock can tell
 */
export async function timesOf(files: readonly string[], input: Tensor, rounds: number, runs: number): Promise<number[]> {
  const sessions = await Promise.all(files.map((file) => InferenceSession.create(file, options)));
  const times: number[][] = files.map(() => []);
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const [index, session] of sessions.entries()) {
      const before = process.cpuUsage();
      for (let run = 0; run < runs; run += 1) await session.run({ [session.inputNames[0] ?? '']: input });
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) times[index]?.push((user + system) / 1000 / runs);
    }
  }
  await Promise.all(sessions.map((session) => session.release()));
  return times.map(median);
}

/** Mean signal-to-noise ratio of the first output, in dB. */
export async function likenessOf(source: string, other: string, inputs: readonly Tensor[]): Promise<number> {
  const sessions = await Promise.all([source, other].map((file) => InferenceSession.create(file, options)));
  const ratios: number[] = [];
  for (const input of inputs) {
    const [wanted, found] = await Promise.all(
      sessions.map(async (session) => {
        const outputs = await session.run({ [session.inputNames[0] ?? '']: input });
        return outputs[session.outputNames[0] ?? '']?.data as Float32Array;
      }),
    );
    let [signal, noise] = [0, 0];
    for (const [index, value] of (wanted ?? []).entries()) {
      signal += value ** 2;
      noise += (value - (found?.[index] ?? 0)) ** 2;
    }
    ratios.push(10 * Math.log10(signal / noise));
  }
  await Promise.all(sessions.map((session) => session.release()));
  return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}

const eventSchema = z.array(
  z.object({
    cat: z.string(),
    name: z.string(),
    dur: z.number().default(0),
    args: z.object({ op_name: z.string().optional() }).optional(),
  }),
);

/** Operators that take more than a fiftieth of the time. */
export async function sharesOf(file: string, input: Tensor): Promise<string[]> {
  const prefix = `${file}-profile`;
  const session = await InferenceSession.create(file, { ...options, enableProfiling: true, profileFilePrefix: prefix });
  for (let run = 0; run < RUNS_PROFILED; run += 1) await session.run({ [session.inputNames[0] ?? '']: input });
  session.endProfiling();
  const sums = new Map<string, number>();
  for await (const path of glob(`${prefix}*`)) {
    for (const { cat, name, dur, args } of eventSchema.parse(JSON.parse(await readFile(path, 'utf8')))) {
      const operator = args?.op_name;
      if (cat === 'Node' && name.endsWith('_kernel_time') && operator !== undefined) sums.set(operator, (sums.get(operator) ?? 0) + dur);
    }
  }
  await session.release();
  const all = [...sums.values()].reduce((sum, each) => sum + each, 0);
  return [...sums]
    .filter(([, sum]) => sum > all / 50)
    .toSorted(([, a], [, b]) => b - a)
    .map(([operator, sum]) => `${operator.padEnd(24)} ${((100 * sum) / all).toFixed(1)} % of the time`);
}
