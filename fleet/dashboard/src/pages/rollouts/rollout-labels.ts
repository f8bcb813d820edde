import { labelIn } from '../../parts/field-problems.ts';

/** What the fields of a rollout are called in its form, by their place in the schema. */
const labels: Readonly<Record<string, string>> = {
  name: 'Name',
  release: 'Release',
  selector: 'Devices',
  canary: 'Canaries before all steps',
  steps: 'Steps, one after the other',
  successPercent: 'Success of a wave, percent',
  'failureThresholds.0.percent': 'Too many failures, percent',
  'failureThresholds.0.minimumExecuted': 'But only after so many devices',
  onFailure: 'What then',
  analysis: 'Analysis template that judges all the time',
  maxInFlight: 'Devices at it at a time',
  'rate.perMinute': 'Devices started a minute',
  bandwidthBytesPerMinute: 'Megabytes to fetch a minute',
  'spread.maxInFlight': 'At a time with one value of the label',
  'spread.label': 'Label of the uplink that they share',
  deviceTimeout: 'Time of one device',
  'windows.open.0.cron': 'Window opens (cron)',
  'windows.open.0.for': 'For',
  'windows.timeZone': 'Time zone of devices without the label timezone',
};

export function rolloutLabel(field: string): string {
  const [, index] = /^steps\.(\d+)/.exec(field) ?? [];
  return index === undefined ? labelIn(labels, field) : `Step ${Number(index) + 1}`;
}
