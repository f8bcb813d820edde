import { type CalibrationOptions, messageOf, StarlingError } from '@starling/shared';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { FeedSource, Feeds, Ranges } from '../contracts.ts';
import type { OnnxModel } from '../onnx/read.ts';
import { checkFeeds } from './check-feeds.ts';
import { createObserver, type Observer, type Reading } from './observe.ts';
import { type Tap, type TappedModel, tapModel } from './tap.ts';

export interface CalibrationSettings {
  calibration: CalibrationOptions;
  /** Opens a session over the model with its taps. It is released when the samples are through. */
  open: (model: OnnxModel) => Promise<InferenceSession>;
  /** Ranges from -T to T, for types whose zero point is 0. */
  symmetric?: boolean;
  /** Steps of the quantised type. */
  levels?: number;
  /** Name of the sample at a place of the source, for errors. */
  nameOfSample?: (place: number) => string;
  signal?: AbortSignal;
  onSample?: (done: number, total: number) => void;
}

/** Something about a value that whoever quantises it, or reads the report, should know. */
export interface CalibrationFinding {
  value: string;
  /** `dead`: zero for all samples. `constant`: one number for all. `infinite`: it has no range, and is not among the ranges. */
  kind: 'dead' | 'constant' | 'infinite';
  message: string;
}

export interface Calibration {
  /** As observed: zero need not lie within. Minima that the operators bound, as Relu and hard-swish do, are these bounds. */
  ranges: Ranges;
  findings: CalibrationFinding[];
  /** Samples that were run. */
  samples: number;
}

/** Elements of one value that are looked at, over all samples: at 99.99 % some 26 lie beyond either end. */
const ELEMENTS_WANTED = 2 ** 19;
/** More per run would slow the run down; fewer would miss channels. */
const ELEMENTS_PER_RUN = { minimum: 1024, maximum: 8192 };

/**
 * Runs a float model on samples and finds the range in which each named value lies.
 *
 * Minima and maxima are those of every element, but for minima below which operators let nothing through. The methods that need a distribution take a strided subsample inside the graph, in the
 * same run: whole values would have to be copied out (85 MB a sample for text detection at 640 x 640), and a second pass would double
 * the time. The subsample moves with each sample; its error against whole histograms is held by a test.
 *
 * Memory: one sample, one run of the model, and one histogram of 64 KiB per value.
 *
 * @throws StarlingError `unknown-value`, `opset-too-old`, `calibration-empty`, `value-not-float`, `activation-not-a-number`,
 *   `calibration-run-failed`, and those of `checkFeeds`
 */
export async function calibrate(
  model: OnnxModel,
  valueNames: Iterable<string>,
  source: FeedSource,
  settings: CalibrationSettings,
): Promise<Calibration> {
  const { calibration, open, symmetric = false, levels = 256 } = settings;
  const total = Math.min(source.samples, calibration.samplesMaximum);
  if (total === 0) throw noSamples();
  const tapped = tapModel(model, valueNames, elementsPerRun(calibration, total));
  if (tapped.taps.length === 0) return { ranges: new Map(), findings: [], samples: 0 };
  const observers = new Map(tapped.taps.map(({ value }) => [value, createObserver({ ...calibration, symmetric, levels })]));
  const session = await open(tapped.model);
  let done = 0;
  try {
    requireFloat(session, tapped.taps);
    for await (const [place, feeds] of spread(source, total)) {
      settings.signal?.throwIfAborted();
      const sample = settings.nameOfSample?.(place) ?? `sample ${place + 1}`;
      const suspect = await runSample(session, tapped, observers, feeds, { place, sample });
      if (suspect) await refuseNaN(model, tapped, feeds, open, sample);
      done += 1;
      settings.onSample?.(done, total);
    }
  } finally {
    await session.release();
  }
  if (done === 0) throw noSamples();
  return { ...conclude(tapped.taps, observers), samples: done };
}

function elementsPerRun({ method }: CalibrationOptions, samples: number): number {
  if (method === 'minmax' || method === 'moving-average') return 0;
  return Math.min(ELEMENTS_PER_RUN.maximum, Math.max(ELEMENTS_PER_RUN.minimum, Math.ceil(ELEMENTS_WANTED / samples)));
}

/** `wanted` of the samples, evenly spread: folders are often sorted by class or by time. */
async function* spread(source: FeedSource, wanted: number): AsyncGenerator<[place: number, feeds: Feeds]> {
  let place = 0;
  let taken = 0;
  for await (const feeds of source.feeds()) {
    if (Math.floor(((place + 1) * wanted) / source.samples) > taken) {
      taken += 1;
      yield [place, feeds];
    }
    if (taken === wanted) return;
    place += 1;
  }
}

/** @returns whether there may be a NaN */
async function runSample(
  session: InferenceSession,
  { taps, guards, phaseInput }: TappedModel,
  observers: ReadonlyMap<string, Observer>,
  feeds: Feeds,
  { place, sample }: { place: number; sample: string },
): Promise<boolean> {
  const inputs = session.inputMetadata.filter(({ name }) => name !== phaseInput);
  checkFeeds(feeds, inputs, sample);
  const phase = phaseInput === undefined ? {} : { [phaseInput]: new Tensor('int64', [phaseOf(place)], [1]) };
  let outputs: InferenceSession.ReturnType;
  try {
    outputs = await session.run({ ...feeds, ...phase });
  } catch (cause) {
    throw new StarlingError('calibration-run-failed', `the model fails on "${sample}": ${messageOf(cause).slice(0, 500)}`, {
      field: sample,
      hint: 'check that the sample has the size and the layout that the model expects',
      cause,
    });
  }
  for (const tap of taps) observers.get(tap.value)?.observe(readingOf(outputs, tap));
  return guards.some(({ sum }) => Number.isNaN(scalarOf(outputs, sum)));
}

/** Runs a sample again with a sum at every value, and names the first that holds NaN: what is wrong there spoils all that follow. */
async function refuseNaN(
  model: OnnxModel,
  tapped: TappedModel,
  feeds: Feeds,
  open: CalibrationSettings['open'],
  sample: string,
): Promise<void> {
  const values = [...tapped.taps, ...tapped.guards].map(({ value }) => value);
  const probing = tapModel(model, values, 0, true);
  const session = await open(probing.model);
  try {
    const outputs = await session.run(feeds);
    const sums = new Map(probing.guards.map(({ value, sum }) => [value, scalarOf(outputs, sum)]));
    const first = probing.taps.findLast((tap) => {
      const { minimum, maximum } = readingOf(outputs, tap);
      // Infinities of both signs have no sum either.
      return Number.isNaN(sums.get(tap.value)) && !(minimum === -Infinity && maximum === Infinity);
    });
    if (first !== undefined) throw notANumber(first.value, sample);
  } finally {
    await session.release();
  }
}

/** Steps of the golden ratio spread well whatever the stride; 2^31 leaves the sum of phase and size far from overflow. */
function phaseOf(place: number): bigint {
  return BigInt(Math.floor(((place * 0.618_033_988_749_895) % 1) * 2 ** 31));
}

function readingOf(outputs: InferenceSession.ReturnType, tap: Tap): Reading {
  const elements = tap.elements === undefined ? undefined : (outputs[tap.elements]?.data as Float32Array | undefined);
  return {
    minimum: typeof tap.minimum === 'number' ? tap.minimum : scalarOf(outputs, tap.minimum),
    maximum: scalarOf(outputs, tap.maximum),
    ...(elements === undefined ? {} : { elements }),
  };
}

function scalarOf(outputs: InferenceSession.ReturnType, name: string): number {
  return (outputs[name]?.data as Float32Array | undefined)?.[0] ?? Number.NaN;
}

function conclude(taps: readonly Tap[], observers: ReadonlyMap<string, Observer>): Pick<Calibration, 'ranges' | 'findings'> {
  const ranges = new Map<string, { minimum: number; maximum: number }>();
  const findings: CalibrationFinding[] = [];
  for (const { value } of taps.toReversed()) {
    const outcome = observers.get(value)?.conclude();
    if (outcome === undefined) continue;
    if (outcome.finding !== undefined) findings.push({ value, ...outcome.finding });
    if (outcome.range !== undefined) ranges.set(value, outcome.range);
  }
  return { ranges, findings };
}

function requireFloat(session: InferenceSession, taps: readonly Tap[]): void {
  const types = new Map(session.outputMetadata.map((output) => [output.name, output.isTensor ? output.type : 'no tensor']));
  for (const { value, maximum } of taps) {
    const type = types.get(maximum);
    if (type === 'float32') continue;
    throw new StarlingError('value-not-float', `the value "${value}" is ${type}, not float32`, {
      field: `values.${value}`,
      hint: 'calibrate the fp32 model, and only values that are float32',
    });
  }
}

function noSamples(): StarlingError {
  return new StarlingError('calibration-empty', 'there are no calibration samples', {
    field: 'calibration',
    hint: 'give a calibration set of some tens of typical samples, or choose a method that needs none, such as "weights-int8"',
  });
}

function notANumber(value: string, sample: string): StarlingError {
  return new StarlingError('activation-not-a-number', `the value "${value}" of the model holds NaN for "${sample}"`, {
    field: `${sample}.${value}`,
    hint: 'check the sample and the weights: a model that computes NaN in fp32 cannot be quantised',
  });
}
