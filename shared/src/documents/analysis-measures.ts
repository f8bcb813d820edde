import { z } from 'zod';

/** What can be judged. */
export const analysisMeasureNameSchema = z.enum([
  'latency-p50',
  'latency-p95',
  'latency-p99',
  'error-rate',
  'crash-rate',
  'rollback-rate',
  'drift',
  'energy-per-inference',
  'cost-per-inference',
  'agreement',
  'accuracy',
]);
export type AnalysisMeasureName = z.infer<typeof analysisMeasureNameSchema>;

/**
 * How a measure is made of what devices send. `quantile`: of sketches. `share`: of inferences. `devices`: share of devices. `mean`:
 * per inference. `level`: mean of something without a natural zero point to multiply.
 */
export type AnalysisMeasureKind = 'quantile' | 'share' | 'devices' | 'mean' | 'level';

export interface AnalysisMeasure {
  kind: AnalysisMeasureKind;
  /** Unit in which values are told and limits may be given; others that may be written, with their factor. */
  unit: string;
  units: Readonly<Record<string, number>>;
  /** For `quantile`: which one. */
  level?: number;
  better: 'lower' | 'higher';
  /** What a limit relative to the control is wider by, unless the objective says otherwise: of shares that are nearly nothing a multiple says little. */
  slack: number;
  title: string;
}

const milliseconds = { ms: 1, s: 1000 };
const share = { '%': 0.01, '': 1 };
const latency = (level: number): AnalysisMeasure => ({
  ...{ kind: 'quantile', unit: 'ms', units: milliseconds, better: 'lower', slack: 0, level },
  title: `latency at the ${level * 100}th percentile`,
});

export const analysisMeasures: Readonly<Record<AnalysisMeasureName, AnalysisMeasure>> = {
  'latency-p50': latency(0.5),
  'latency-p95': latency(0.95),
  'latency-p99': latency(0.99),
  'error-rate': { kind: 'share', unit: '%', units: share, better: 'lower', slack: 0.002, title: 'share of items that failed' },
  'crash-rate': { kind: 'devices', unit: '%', units: share, better: 'lower', slack: 0.01, title: 'share of devices whose runtime crashed' },
  'rollback-rate': {
    kind: 'devices',
    unit: '%',
    units: share,
    better: 'lower',
    slack: 0.01,
    title: 'share of devices that went back by themselves',
  },
  drift: { kind: 'level', unit: 'PSI', units: { PSI: 1, '': 1 }, better: 'lower', slack: 0.05, title: 'mean population stability index' },
  'energy-per-inference': {
    ...{ kind: 'mean', unit: 'J', units: { J: 1, mJ: 0.001, '': 1 }, better: 'lower', slack: 0 },
    title: 'energy of an inference',
  },
  'cost-per-inference': {
    ...{ kind: 'mean', unit: 'USD', units: { USD: 1, '': 1 }, better: 'lower', slack: 0 },
    title: 'price of the time of an inference',
  },
  agreement: {
    kind: 'share',
    unit: '%',
    units: share,
    better: 'higher',
    slack: 0.002,
    title: 'share of items on which it agrees with the champion',
  },
  accuracy: {
    kind: 'share',
    unit: '%',
    units: share,
    better: 'higher',
    slack: 0.002,
    title: 'share of the items with feedback that turned out right',
  },
};

/** What an objective holds a measure to. */
export type AnalysisLimit =
  | { kind: 'fixed'; value: number; text: string }
  /** At most (or, where more is better, at least) `factor` times the control, and `slack` beyond. */
  | { kind: 'relative'; factor: number; slack: number; text: string };

interface Stated {
  measure: AnalysisMeasureName;
  atMost?: number | string | undefined;
  atLeast?: number | string | undefined;
  noWorseThan?: string | undefined;
  slack?: number | undefined;
}

const limitPattern = /^\s*([0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)\s*(\S*)\s*$/i;

/** Reads the words of a limit. */
export function limitOf(stated: Stated): AnalysisLimit | { field: 'atMost' | 'atLeast' | 'noWorseThan'; problem: string } {
  const measure = analysisMeasures[stated.measure];
  const slack = stated.slack ?? measure.slack;
  if (stated.noWorseThan !== undefined) return noWorseThan(stated.noWorseThan, measure, slack);
  const field = stated.atMost === undefined ? 'atLeast' : 'atMost';
  const wanted = measure.better === 'lower' ? 'atMost' : 'atLeast';
  if (field !== wanted)
    return { field, problem: `of "${stated.measure}" ${measure.better === 'lower' ? 'less' : 'more'} is better: give ${wanted}` };
  const given = stated[field];
  const [, digits = '', unit = ''] = limitPattern.exec(String(given)) ?? [];
  const value = Number(digits);
  if (digits === '' || !Number.isFinite(value))
    return { field, problem: `"${given}" is no limit: write it like ${example(measure)} or "1.1x"` };
  const words = field === 'atMost' ? 'at most' : 'at least';
  if (unit.toLowerCase() === 'x') {
    if (value <= 0) return { field, problem: 'a multiple of the control is above 0' };
    return { kind: 'relative', factor: value, slack, text: `${words} ${value} times the control${slackText(slack, measure)}` };
  }
  const factor = typeof given === 'number' ? 1 : measure.units[unit];
  if (factor === undefined) {
    const known = Object.keys(measure.units).filter((name) => name !== '');
    return { field, problem: `"${unit}" is no unit of "${stated.measure}": use ${known.join(' or ')}, or "1.1x" of the control` };
  }
  // 95 times 0.01 is a little more than 0.95.
  const fixed = Number((value * factor).toPrecision(12));
  const needsPositive = measure.kind === 'quantile' || measure.kind === 'mean';
  if (needsPositive && fixed <= 0) return { field, problem: 'a limit of it is above 0' };
  if ((measure.kind === 'share' || measure.kind === 'devices') && fixed > 1) {
    return { field, problem: `${fixed} is more than all of them: write a percentage like ${example(measure)}, or a share from 0 to 1` };
  }
  return { kind: 'fixed', value: fixed, text: `${words} ${digitsOf(fixed, measure)}` };
}

function noWorseThan(text: string, measure: AnalysisMeasure, slack: number): ReturnType<typeof limitOf> {
  const [, digits = '', unit = ''] = limitPattern.exec(text) ?? [];
  const worse = Number(digits) / 100;
  const fits = digits !== '' && unit === '%' && (measure.better === 'lower' || worse < 1);
  if (!fits) return { field: 'noWorseThan', problem: `"${text}" is no share: write it like "5 %"` };
  const factor = measure.better === 'lower' ? 1 + worse : 1 - worse;
  return { kind: 'relative', factor, slack, text: `no worse than the control by ${digits} %${slackText(slack, measure)}` };
}

function example({ unit }: AnalysisMeasure): string {
  return unit === '%' ? '"0.5 %"' : unit === 'ms' ? '"80 ms"' : `"0.2 ${unit}"`;
}

function slackText(slack: number, measure: AnalysisMeasure): string {
  return slack === 0 ? '' : `, and ${digitsOf(slack, measure)} beyond`;
}

/** Share below which digits say nothing: of a million items not even a hundred. */
const TINY_SHARE = 0.0001;

/** A value in the unit of its measure, in three digits. A share that is nearly nothing is told as that, and not as nothing. */
export function formatMeasure(value: number, measure: AnalysisMeasure): string {
  const isTiny = measure.unit === '%' && value !== 0 && Math.abs(value) < TINY_SHARE;
  return isTiny ? `below ${digitsOf(TINY_SHARE, measure)}` : digitsOf(value, measure);
}

/** As it was written: a limit is what it is, however small. */
function digitsOf(value: number, { unit }: AnalysisMeasure): string {
  const shown = unit === '%' ? value * 100 : value;
  // Nothing has no sign.
  return `${Number(shown.toPrecision(3)) + 0} ${unit}`;
}
