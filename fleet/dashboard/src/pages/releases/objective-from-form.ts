import { type Objective, objectiveSchema } from '@starling/shared';

/** What the fields of the form hold; sizes in MB, empty where there is no limit. */
export interface ObjectiveFields {
  minimise: string;
  loss: string;
  p95: string;
  millijoules: string;
  memory: string;
  size: string;
  cost: string;
}

const MEGABYTE = 1_000_000;

/** @returns undefined while a field holds no number that makes sense */
export function objectiveFromForm({ minimise, loss, p95, millijoules, memory, size, cost }: ObjectiveFields): Objective | undefined {
  return objectiveSchema.safeParse({
    minimise,
    ...limit('accuracyLossPointsMaximum', loss),
    ...limit('latencyMsP95Maximum', p95),
    ...limit('joulesPerInferenceMaximum', millijoules, (value) => value / 1000),
    ...limit('memoryBytesMaximum', memory, bytes),
    ...limit('sizeBytesMaximum', size, bytes),
    ...limit('costPer1000Maximum', cost),
  }).data;
}

export function fieldsOf(objective: Objective): ObjectiveFields {
  const text = (value: number | undefined, factor = 1): string =>
    value === undefined ? '' : String(Number((value * factor).toPrecision(14)));
  return {
    minimise: objective.minimise,
    loss: text(objective.accuracyLossPointsMaximum),
    p95: text(objective.latencyMsP95Maximum),
    millijoules: text(objective.joulesPerInferenceMaximum, 1000),
    memory: text(objective.memoryBytesMaximum, 1 / MEGABYTE),
    size: text(objective.sizeBytesMaximum, 1 / MEGABYTE),
    cost: text(objective.costPer1000Maximum),
  };
}

const bytes = (megabytes: number): number => Math.round(megabytes * MEGABYTE);

function limit(name: keyof Objective, text: string, convert = (value: number): number => value): Record<string, number> {
  return text.trim() === '' ? {} : { [name]: convert(Number(text)) };
}
