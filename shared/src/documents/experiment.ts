import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { nameSchema, randomIdSchema } from '../ids.ts';
import { durationMs, durationSchema } from './duration.ts';
import { analysisReferenceSchema } from './rollout.ts';

/** Releases that may challenge one champion: each is loaded beside it, on every device that takes part. */
export const CHALLENGERS_MAXIMUM = 4;
/** Each change of the shares is a new desired state of every device that takes part. */
const UPDATE_MS_MINIMUM = 10_000;

export const experimentModeSchema = z.enum(['split', 'shadow', 'bandit']).meta({
  description:
    '`split`: challengers answer a fixed share of the items; `shadow`: they get copies, and what they give goes nowhere; `bandit`: shares follow what is rewarded',
});
export type ExperimentMode = z.infer<typeof experimentModeSchema>;

export const experimentKeySchema = z.enum(['item', 'stream']).meta({
  description: '`item`: each item by itself; `stream`: all items of one source go the same way, which pipelines that remember need',
});
export type ExperimentKey = z.infer<typeof experimentKeySchema>;

/** What an experiment is about: what is compared item by item. Latency, energy and cost are matters of guards. */
export const experimentMeasureSchema = z.enum(['reward', 'error-rate', 'agreement']).meta({
  description:
    '`reward`: the outcomes that come back through the feedback API; `error-rate`: items that fail; `agreement`: items on which a shadow says what the champion says',
});
export type ExperimentMeasure = z.infer<typeof experimentMeasureSchema>;

const share = z.number().min(0).max(1);

const challengerSchema = z.strictObject({
  release: z.string().min(1).max(200).meta({ description: 'Name or digest of the release' }),
  percent: z.number().gt(0).lt(100).optional().meta({ description: 'Of the items; for `split`. The champion has the rest' }),
});

const goalSchema = z.strictObject({
  measure: experimentMeasureSchema
    .optional()
    .meta({ description: 'Default: `reward` for a bandit, `agreement` for a shadow, else `error-rate`' }),
  better: z.enum(['higher', 'lower']).optional().meta({ description: 'For `reward`; default `higher`' }),
  values: z.enum(['binary', 'continuous']).default('binary').meta({ description: 'For `reward`: yes or no (0 and 1), or any number' }),
  labels: z
    .record(z.string().min(1).max(100), z.number())
    .optional()
    .meta({ description: 'For `reward`: what a label that comes back is worth', examples: [{ kept: 1, returned: 0 }] }),
  margin: z.number().nonnegative().default(0).meta({ description: 'A difference smaller than this is none, in the unit of the measure' }),
  atLeast: share.optional().meta({ description: 'For `agreement`: the share that is wanted' }),
});

const shadowSchema = z.strictObject({
  share: share.default(1).meta({ description: 'Of the items, copied to each challenger' }),
  maxCpuShare: share.gt(0).default(0.25).meta({ description: 'Of all cores of the device, for all challengers together' }),
  maxJoulesPerHour: z
    .number()
    .gt(0)
    .optional()
    .meta({ description: 'Energy of all challengers together; a device that cannot tell its energy copies nothing then' }),
});

const banditSchema = z.strictObject({
  floor: z.number().min(0.001).max(0.5).default(0.05).meta({ description: 'Share that every arm keeps, whatever came back' }),
  update: durationSchema.default('10m').meta({ description: 'Time between two changes of the shares' }),
  minimumOutcomes: z.number().int().min(1).max(1_000_000).default(20).meta({ description: 'Of every arm before shares change' }),
});

const stopSchema = z.strictObject({
  after: durationSchema.default('14d').meta({ description: 'It ends then, whatever is known' }),
  onEvidence: z
    .enum(['conclude', 'go-on'])
    .default('conclude')
    .meta({ description: 'When the intervals of the goal are apart: end, or go on until `after`' }),
  onHarm: z
    .enum(['stop', 'pause', 'go-on'])
    .default('stop')
    .meta({ description: 'When a challenger is surely worse, or a guard has failed' }),
  minimumPerArm: z
    .number()
    .int()
    .min(10)
    .max(1e9)
    .default(200)
    .meta({ description: 'Items or outcomes of every arm before anything is decided' }),
  sampleRatio: z.boolean().default(true).meta({
    description: 'Pause where the arms got other shares of the items than they should: then nothing that was counted can be trusted',
  }),
});

/** A champion and releases that challenge it, on the devices of a selector. */
export const experimentSpecSchema = z
  .strictObject({
    kind: z.literal('experiment').default('experiment'),
    schemaVersion: z.literal(1).default(1),
    name: nameSchema,
    description: z.string().max(2000).optional(),
    selector: z
      .string()
      .min(1)
      .max(4000)
      .meta({ description: 'Which devices, as an expression over them', examples: ['labels.site == "north"'] }),
    maximumDevices: z.number().int().min(1).max(10_000_000).optional().meta({ description: 'So many of them at most, drawn by chance' }),
    mode: experimentModeSchema,
    champion: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'Name or digest of a release; default: the one that the devices run' }),
    challengers: z.array(challengerSchema).min(1).max(CHALLENGERS_MAXIMUM),
    key: experimentKeySchema.default('item'),
    shadow: shadowSchema.optional(),
    bandit: banditSchema.optional(),
    goal: goalSchema.default(() => goalSchema.parse({})),
    guards: analysisReferenceSchema.optional().meta({
      description:
        'What a challenger must keep: an analysis by name or written out, judged over devices, each compared with its own champion',
    }),
    confidence: z
      .number()
      .min(0.5)
      .max(0.9999)
      .default(0.95)
      .meta({ description: 'Of all verdicts of the experiment together, however often they are looked at' }),
    stop: stopSchema.default(() => stopSchema.parse({})),
    start: z.boolean().default(true).meta({ description: '`false`: it waits as a draft' }),
  })
  .superRefine((spec, context) => {
    for (const { path, message } of contradictions(spec)) context.addIssue({ code: 'custom', path, message });
  })
  .meta({ id: 'ExperimentSpec', title: 'Experiment' });
export type ExperimentSpec = z.infer<typeof experimentSpecSchema>;
export type ExperimentSpecInput = z.input<typeof experimentSpecSchema>;

interface Contradiction {
  path: (string | number)[];
  message: string;
}

type Stated = Pick<ExperimentSpec, 'mode' | 'challengers' | 'shadow' | 'bandit' | 'goal' | 'key' | 'champion'>;

/** What no schema of one field can see. */
function contradictions(spec: Stated): Contradiction[] {
  return [...problemsOfChallengers(spec), ...problemsOfMode(spec), ...problemsOfGoal(spec)];
}

function problemsOfChallengers({ mode, challengers, champion }: Stated): Contradiction[] {
  const found: Contradiction[] = [];
  for (const [index, { release, percent }] of challengers.entries()) {
    const path = ['challengers', index, 'percent'];
    if (mode === 'split' && percent === undefined)
      found.push({ path, message: 'a split says how much each challenger gets: "percent: 10"' });
    if (mode === 'shadow' && percent !== undefined) found.push({ path, message: 'a shadow answers nothing: use shadow.share' });
    if (mode === 'bandit' && percent !== undefined) found.push({ path, message: 'a bandit finds the shares by itself: leave it out' });
    const isAgain = challengers.findIndex((other) => other.release === release) < index;
    if (release !== champion && !isAgain) continue;
    const message =
      release === champion ? `"${release}" is the champion: another release challenges it` : `"${release}" is a challenger already`;
    found.push({ path: ['challengers', index, 'release'], message });
  }
  const total = challengers.reduce((sum, { percent = 0 }) => sum + percent, 0);
  if (mode === 'split' && total >= 100)
    found.push({ path: ['challengers'], message: `challengers get ${total} %: leave something to the champion` });
  return found;
}

function problemsOfMode({ mode, challengers, shadow, bandit }: Stated): Contradiction[] {
  const found: Contradiction[] = [];
  if (mode !== 'shadow' && shadow !== undefined) found.push({ path: ['shadow'], message: `means nothing with "mode: ${mode}"` });
  if (mode !== 'bandit' && bandit !== undefined) found.push({ path: ['bandit'], message: `means nothing with "mode: ${mode}"` });
  if (bandit === undefined) return found;
  const arms = challengers.length + 1;
  if (bandit.floor * arms > 1)
    found.push({ path: ['bandit', 'floor'], message: `${arms} arms with a floor of ${bandit.floor} are more than all items` });
  if (durationMs(bandit.update) < UPDATE_MS_MINIMUM)
    found.push({ path: ['bandit', 'update'], message: `shares change every ${UPDATE_MS_MINIMUM / 1000} s at most` });
  return found;
}

function problemsOfGoal({ mode, goal }: Stated): Contradiction[] {
  const found: Contradiction[] = [];
  const path = ['goal', 'measure'];
  if (goal.measure === 'agreement' && mode !== 'shadow')
    found.push({ path, message: 'only a shadow sees the item that the champion saw: use "mode: shadow"' });
  if (goal.measure === 'reward' && mode === 'shadow')
    found.push({ path, message: 'nobody sees what a shadow gives, so nothing comes back: use agreement or error-rate' });
  if (mode === 'bandit' && goal.measure !== undefined && goal.measure !== 'reward')
    found.push({ path, message: 'a bandit follows rewards' });
  if (goal.values === 'binary' && Object.values(goal.labels ?? {}).some((worth) => worth !== 0 && worth !== 1))
    found.push({ path: ['goal', 'labels'], message: 'with "values: binary" a label is worth 0 or 1' });
  return found;
}

/** The goal with what follows from the mode. */
export function goalOf({ mode, goal }: Pick<ExperimentSpec, 'mode' | 'goal'>): ExperimentSpec['goal'] & {
  measure: ExperimentMeasure;
  better: 'higher' | 'lower';
} {
  const measure = goal.measure ?? (mode === 'bandit' ? 'reward' : mode === 'shadow' ? 'agreement' : 'error-rate');
  return { ...goal, measure, better: measure === 'error-rate' ? 'lower' : (goal.better ?? 'higher') };
}

/** What a shadow may cost, with its defaults. */
export function shadowOf({ shadow }: Pick<ExperimentSpec, 'shadow'>): z.infer<typeof shadowSchema> {
  return shadow ?? shadowSchema.parse({});
}

/** How a bandit moves, with its defaults. */
export function banditOf({ bandit }: Pick<ExperimentSpec, 'bandit'>): z.infer<typeof banditSchema> {
  return bandit ?? banditSchema.parse({});
}

/** The part of one device in an experiment: what it runs beside its release, and which items go there. */
export const experimentAssignmentSchema = z.object({
  id: randomIdSchema.meta({ description: 'Of the experiment; also the salt of the split' }),
  mode: experimentModeSchema,
  key: experimentKeySchema,
  arms: z
    .array(
      z.object({
        release: digestSchema,
        share: share.meta({
          description: 'Of the items; the release that the device runs has the rest. For a shadow: of the items that are copied',
        }),
        artefacts: z.record(nameSchema, digestSchema),
        fallbacks: z.record(nameSchema, z.array(digestSchema).max(3)).optional(),
      }),
    )
    .min(1)
    .max(CHALLENGERS_MAXIMUM),
  shadow: z.object({ maxCpuShare: share, maxJoulesPerHour: z.number().positive().optional() }).optional(),
});
export type ExperimentAssignment = z.infer<typeof experimentAssignmentSchema>;
