import {
  type ExperimentKey,
  type ExperimentMeasure,
  type ExperimentMode,
  type ExperimentSpecInput,
  experimentSpecSchema,
} from '@starling/shared';
import { isFilled, numberOf, problemsOfText } from '../../format/typed-value.ts';

export interface ChallengerFields {
  /** For lists on screen. */
  key: number;
  release: string;
  percent: string;
}

/** What stands in the form, as it was typed. */
export interface ExperimentFields {
  name: string;
  description: string;
  selector: string;
  /** It is meant for every device, should the selector mean all of them. */
  all: boolean;
  maximumDevices: string;
  mode: ExperimentMode;
  champion: string;
  challengers: ChallengerFields[];
  key: ExperimentKey;
  shadowShare: string;
  maxCpuShare: string;
  maxJoulesPerHour: string;
  floor: string;
  update: string;
  minimumOutcomes: string;
  /** Empty: the one that follows from the mode. */
  measure: ExperimentMeasure | '';
  better: 'higher' | 'lower';
  values: 'binary' | 'continuous';
  /** `kept=1, returned=0` */
  labels: string;
  margin: string;
  atLeast: string;
  guards: string;
  confidence: string;
  after: string;
  onEvidence: 'conclude' | 'go-on';
  onHarm: 'stop' | 'pause' | 'go-on';
  minimumPerArm: string;
  sampleRatio: boolean;
  start: boolean;
}

export const emptyFields: ExperimentFields = {
  ...{ name: '', description: '', selector: '', all: false, maximumDevices: '', mode: 'split', champion: '' },
  challengers: [{ key: 1, release: '', percent: '10' }],
  ...{ key: 'item', shadowShare: '1', maxCpuShare: '0.25', maxJoulesPerHour: '', floor: '0.05', update: '10m', minimumOutcomes: '20' },
  ...{ measure: '', better: 'higher', values: 'binary', labels: '', margin: '0', atLeast: '', guards: '', confidence: '0.95' },
  ...{ after: '14d', onEvidence: 'conclude', onHarm: 'stop', minimumPerArm: '200', sampleRatio: true, start: true },
};

/** What can be judged in each mode, the default first. */
export const measuresOf: Record<ExperimentMode, readonly ExperimentMeasure[]> = {
  split: ['error-rate', 'reward'],
  shadow: ['agreement', 'error-rate'],
  bandit: ['reward'],
};

/** The measure that it is judged by. */
export function measureOf({ mode, measure }: Pick<ExperimentFields, 'mode' | 'measure'>): ExperimentMeasure {
  const [first] = measuresOf[mode];
  return measure === '' ? (first as ExperimentMeasure) : measure;
}

function optional<Name extends string>(name: Name, text: string): { [Key in Name]?: number } {
  return (isFilled(text) ? { [name]: numberOf(text) } : {}) as { [Key in Name]?: number };
}

function labelsFrom(text: string): Record<string, number> {
  const pairs = text.split(',').filter(isFilled);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.lastIndexOf('=');
      return at < 0 ? [pair.trim(), numberOf('')] : [pair.slice(0, at).trim(), numberOf(pair.slice(at + 1))];
    }),
  );
}

function goalFrom(fields: ExperimentFields): NonNullable<ExperimentSpecInput['goal']> {
  const measure = measureOf(fields);
  const rewarded = {
    ...{ better: fields.better, values: fields.values },
    ...(isFilled(fields.labels) ? { labels: labelsFrom(fields.labels) } : {}),
  };
  return {
    measure,
    ...(measure === 'reward' ? rewarded : {}),
    margin: numberOf(fields.margin),
    ...(measure === 'agreement' ? optional('atLeast', fields.atLeast) : {}),
  };
}

/** The experiment that the form says. What belongs to another mode is left out, and what is left empty keeps its default. */
export function specFromForm(fields: ExperimentFields): ExperimentSpecInput {
  const { mode, description, champion, guards } = fields;
  return {
    ...{ kind: 'experiment', schemaVersion: 1, name: fields.name.trim() },
    ...(isFilled(description) ? { description: description.trim() } : {}),
    selector: fields.selector.trim(),
    ...optional('maximumDevices', fields.maximumDevices),
    mode,
    ...(isFilled(champion) ? { champion: champion.trim() } : {}),
    challengers: fields.challengers.map(({ release, percent }) => ({
      release: release.trim(),
      ...(mode === 'split' ? { percent: numberOf(percent) } : {}),
    })),
    key: fields.key,
    ...(mode === 'shadow' ? { shadow: shadowFrom(fields) } : {}),
    ...(mode === 'bandit'
      ? { bandit: { floor: numberOf(fields.floor), update: fields.update.trim(), minimumOutcomes: numberOf(fields.minimumOutcomes) } }
      : {}),
    goal: goalFrom(fields),
    ...(isFilled(guards) ? { guards: guards.trim() } : {}),
    confidence: numberOf(fields.confidence),
    stop: {
      ...{ after: fields.after.trim(), onEvidence: fields.onEvidence, onHarm: fields.onHarm },
      ...{ minimumPerArm: numberOf(fields.minimumPerArm), sampleRatio: fields.sampleRatio },
    },
    start: fields.start,
  };
}

function shadowFrom({ shadowShare, maxCpuShare, maxJoulesPerHour }: ExperimentFields): NonNullable<ExperimentSpecInput['shadow']> {
  return { share: numberOf(shadowShare), maxCpuShare: numberOf(maxCpuShare), ...optional('maxJoulesPerHour', maxJoulesPerHour) };
}

/** What is wrong with it, by field as the schema names it. What is merely empty is said to be missing. */
export function problemsOf(spec: ExperimentSpecInput): Map<string, string> {
  const parsed = experimentSpecSchema.safeParse(spec);
  if (parsed.success) return new Map();
  const releases = spec.challengers.map(({ release }, index) => [`challengers.${index}.release`, release]);
  return problemsOfText(parsed.error, { name: spec.name, selector: spec.selector, ...Object.fromEntries(releases) });
}
