import { type Objective, objectiveGoalSchema, objectiveSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { numberOption, readOptions } from './options.ts';

const goals = objectiveGoalSchema.options.join(', ');

const optionsSchema = z.object({
  minimise: objectiveGoalSchema.optional(),
  maxLoss: numberOption().nonnegative().max(100).optional(),
  maxP95: numberOption().positive().optional(),
  maxJoules: numberOption().positive().optional(),
  maxMemory: numberOption().positive().optional(),
  maxSize: numberOption().positive().optional(),
  maxCost: numberOption().positive().optional(),
});

const BYTES_PER_MEGABYTE = 1_000_000;

/** The flags by which people say what makes an artefact the best one. */
export function addObjective(command: Command): Command {
  return command
    .option('--minimise <goal>', `what to make small: ${goals} (default latency)`)
    .option('--max-loss <points>', 'accuracy that may be lost, in points, at the worse end of the interval (default 1)')
    .option('--max-p95 <ms>', 'latency that 95 % of the runs stay under, in milliseconds')
    .option('--max-joules <joules>', 'energy of one inference')
    .option('--max-memory <megabytes>', 'memory of the loaded model')
    .option('--max-size <megabytes>', 'bytes to pull and keep')
    .option('--max-cost <usd>', 'cost of 1,000 inferences');
}

/** What no flag says is the default, as `--help` states it. */
export function readObjective(command: Command): Objective {
  const given = readOptions(command, optionsSchema);
  const bytes = (megabytes: number | undefined): number | undefined =>
    megabytes === undefined ? undefined : Math.round(megabytes * BYTES_PER_MEGABYTE);
  return objectiveSchema.parse({
    minimise: given.minimise,
    accuracyLossPointsMaximum: given.maxLoss,
    latencyMsP95Maximum: given.maxP95,
    joulesPerInferenceMaximum: given.maxJoules,
    memoryBytesMaximum: bytes(given.maxMemory),
    sizeBytesMaximum: bytes(given.maxSize),
    costPer1000Maximum: given.maxCost,
  });
}

/** An objective as people say it: "least energy; at most 1 point lost; p95 under 80 ms". */
export function objectiveText(objective: Objective): string {
  const { minimise, accuracyLossPointsMaximum: loss } = objective;
  const limits: (string | false)[] = [
    `least ${minimise}`,
    `at most ${loss} ${loss === 1 ? 'point' : 'points'} lost`,
    objective.latencyMsP95Maximum !== undefined && `p95 under ${objective.latencyMsP95Maximum} ms`,
    objective.joulesPerInferenceMaximum !== undefined && `under ${objective.joulesPerInferenceMaximum} J an inference`,
    objective.memoryBytesMaximum !== undefined && `memory under ${objective.memoryBytesMaximum / BYTES_PER_MEGABYTE} MB`,
    objective.sizeBytesMaximum !== undefined && `size under ${objective.sizeBytesMaximum / BYTES_PER_MEGABYTE} MB`,
    objective.costPer1000Maximum !== undefined && `under $${objective.costPer1000Maximum} for 1,000`,
  ];
  return limits.filter((limit) => limit !== false).join('; ');
}
