import { labelIn } from '../../parts/field-problems.ts';

/** What the fields of an experiment are called in its form, by their place in the schema. */
const labels: Readonly<Record<string, string>> = {
  name: 'Name',
  maximumDevices: 'Devices, at most',
  selector: 'Devices',
  description: 'What it is to find out',
  mode: 'Mode',
  challengers: 'Challengers',
  champion: 'Champion',
  key: 'What goes the same way',
  'shadow.share': 'Share of the items',
  'shadow.maxCpuShare': 'Share of all cores',
  'shadow.maxJoulesPerHour': 'Joules an hour',
  'bandit.floor': 'Share that every arm keeps',
  'bandit.update': 'Shares change every',
  'bandit.minimumOutcomes': 'Outcomes of every arm',
  'goal.measure': 'Judged by',
  'goal.margin': 'Margin',
  'goal.atLeast': 'Agreement, at least',
  'goal.better': 'Better is',
  'goal.values': 'Outcomes are',
  'goal.labels': 'What labels are worth',
  confidence: 'Confidence',
  guards: 'Guards',
  'stop.after': 'It ends after',
  'stop.minimumPerArm': 'Items of every arm',
  'stop.onEvidence': 'When one is surely better',
  'stop.onHarm': 'When challengers do harm',
};

const challengerParts: Readonly<Record<string, string>> = { release: 'Release of', percent: 'Percent of the items for' };

export function experimentLabel(field: string): string {
  const [, index, part = ''] = /^challengers\.(\d+)\.(\w+)/.exec(field) ?? [];
  const words = challengerParts[part];
  return words === undefined ? labelIn(labels, field) : `${words} challenger ${Number(index) + 1}`;
}
