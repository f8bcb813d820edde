import { type RolloutSpecInput, type RolloutStep, rolloutSpecSchema } from '@starling/shared';
import { isFilled, numberOf, problemsOfText } from '../../format/typed-value.ts';

export type StepKind = 'setPercent' | 'setCount' | 'setLabel' | 'pause' | 'analyse' | 'approve';

export interface StepFields {
  /** For lists on screen. */
  key: number;
  kind: StepKind;
  value: string;
}

/** What stands in the form, as it was typed. */
export interface RolloutFields {
  name: string;
  release: string;
  selector: string;
  /** It is meant for every device, should the selector mean all of them. */
  all: boolean;
  canary: string;
  steps: StepFields[];
  successPercent: string;
  failurePercent: string;
  failureMinimum: string;
  onFailure: 'rollback' | 'abort' | 'pause';
  maxInFlight: string;
  perMinute: string;
  megabytesPerMinute: string;
  spreadLabel: string;
  spreadMaximum: string;
  windowCron: string;
  windowFor: string;
  timeZone: string;
  deviceTimeout: string;
  dynamic: boolean;
  analysis: string;
}

export const emptyFields: RolloutFields = {
  ...{ name: '', release: '', selector: '', all: false, canary: '1' },
  steps: [
    { key: 1, kind: 'setPercent', value: '10' },
    { key: 2, kind: 'pause', value: '30m' },
    { key: 3, kind: 'setPercent', value: '100' },
  ],
  ...{ successPercent: '95', failurePercent: '20', failureMinimum: '5', onFailure: 'rollback', maxInFlight: '500' },
  ...{ perMinute: '', megabytesPerMinute: '', spreadLabel: 'site', spreadMaximum: '', windowCron: '', windowFor: '4h', timeZone: 'UTC' },
  ...{ deviceTimeout: '1h', dynamic: false, analysis: '' },
};

/** What each kind of step asks for. */
export const stepWords: Record<StepKind, { label: string; asks: string; placeholder: string }> = {
  setPercent: { label: 'Percent of the devices', asks: 'Percent, in all', placeholder: '10' },
  setCount: { label: 'A number of devices', asks: 'Devices, in all', placeholder: '20' },
  setLabel: { label: 'Devices with a label', asks: 'label=value', placeholder: 'site=north' },
  pause: { label: 'Pause', asks: 'For how long; empty: until a person goes on', placeholder: '30m' },
  analyse: { label: 'Analysis', asks: 'Name of an analysis template', placeholder: 'latency-and-errors' },
  approve: { label: 'Approval', asks: 'Different people', placeholder: '2' },
};

const MEGABYTE = 1e6;

function stepOf({ kind, value }: StepFields): unknown {
  const text = value.trim();
  switch (kind) {
    case 'pause':
      return { pause: text === '' ? {} : { for: text } };
    case 'analyse':
      return { analyse: text };
    case 'setLabel': {
      const [label = '', ...rest] = text.split('=');
      return { setLabel: { [label]: rest.join('=') } };
    }
    default:
      return { [kind]: numberOf(text) };
  }
}

/** The rollout that the form says. What is left empty keeps its default. */
export function specFromForm(fields: RolloutFields): RolloutSpecInput {
  const { perMinute, megabytesPerMinute, spreadLabel, spreadMaximum, windowCron, windowFor, timeZone, analysis } = fields;
  return {
    ...{ kind: 'rollout', schemaVersion: 1 },
    ...{ name: fields.name.trim(), release: fields.release, selector: fields.selector.trim() },
    canary: { count: numberOf(fields.canary) },
    steps: fields.steps.map(stepOf) as RolloutStep[],
    successPercent: numberOf(fields.successPercent),
    failureThresholds: [{ kind: 'any', percent: numberOf(fields.failurePercent), minimumExecuted: numberOf(fields.failureMinimum) }],
    onFailure: fields.onFailure,
    maxInFlight: numberOf(fields.maxInFlight),
    ...(isFilled(perMinute) ? { rate: { perMinute: numberOf(perMinute) } } : {}),
    ...(isFilled(megabytesPerMinute) ? { bandwidthBytesPerMinute: numberOf(megabytesPerMinute) * MEGABYTE } : {}),
    ...(isFilled(spreadMaximum) ? { spread: { label: spreadLabel.trim(), maxInFlight: numberOf(spreadMaximum) } } : {}),
    ...(isFilled(windowCron) ? { windows: { timeZone: timeZone.trim(), open: [{ cron: windowCron.trim(), for: windowFor.trim() }] } } : {}),
    deviceTimeout: fields.deviceTimeout.trim(),
    dynamic: fields.dynamic,
    ...(isFilled(analysis) ? { analysis: analysis.trim() } : {}),
  };
}

/** What is wrong with it, by field as the schema names it. What is merely empty is said to be missing. */
export function problemsOf(spec: RolloutSpecInput): Map<string, string> {
  const parsed = rolloutSpecSchema.safeParse(spec);
  return parsed.success ? new Map() : problemsOfText(parsed.error, { name: spec.name, release: spec.release, selector: spec.selector });
}
