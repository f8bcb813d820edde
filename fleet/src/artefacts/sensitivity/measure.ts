import { type BuildRecipe, type LayerReport, messageOf, StarlingError } from '@starling/shared';
import type { InferenceSession } from 'onnxruntime-node';
import { calibrate } from '../calibrate/index.ts';
import type { ApplyRecipe, FeedSource, Ranges } from '../contracts.ts';
import { attributeType, type NodeProto } from '../onnx/proto.ts';
import type { OnnxModel } from '../onnx/read.ts';
import { type Island, type Islands, isolate } from './islands.ts';

export interface SensitivitySettings {
  /** The float model to which the method is applied; it is not changed. */
  model: OnnxModel;
  /** Its quantisable layers, as the method reports them. */
  layers: readonly LayerReport[];
  recipe: BuildRecipe;
  ranges: Ranges;
  apply: ApplyRecipe;
  /** Values whose ranges `apply` needs. */
  edges: (model: OnnxModel, recipe: BuildRecipe) => string[];
  samples: FeedSource;
  samplesMaximum?: number;
  /** Opens a session over a model. It is released when the samples are through. */
  open: (model: OnnxModel) => Promise<InferenceSession>;
  signal?: AbortSignal;
  onSample?: (done: number, total: number) => void;
}

/** The ratio of a layer varies little between samples: it is a sum over all elements of its output. */
const SAMPLES_MAXIMUM = 8;
/** No noise at all; the largest that float32 could tell is below this. */
const NOISELESS_DB = 200;
const PREFIX = 'isolated/';

interface Power {
  signal: number;
  noise: number;
}

/**
 * Measures for each layer the ratio of signal to quantisation noise of its output when it alone is quantised, in dB.
 *
 * One session holds the float model and beside it a quantised copy of each layer that reads the float values, and both outputs are compared
 * inside the graph. So a layer is judged by its own noise, not by that of the layers before it, as it would be if a float and a quantised
 * model were compared value by value; and it takes one session and a few runs, where quantising one layer at a time would take as many
 * sessions and sets of runs as there are layers.
 *
 * @returns the layers in their order, with the ratio; null for those in float, and where it could not be measured
 * @throws StarlingError `sensitivity-failed`
 */
export async function measureSensitivity(settings: SensitivitySettings): Promise<LayerReport[]> {
  const { model, layers, recipe, ranges, apply } = settings;
  const quantised = layers.filter(({ inFloat }) => !inFloat).map(({ node }) => node);
  const isolated = isolate(model, new Set(quantised), ranges);
  if (isolated.islands.length === 0) return layers.map((layer) => ({ ...layer }));
  apply(isolated.model, recipe, await completed(settings, isolated));
  const powers = await run(settings, compared(model, isolated.model, isolated.islands), isolated.islands);
  return layers.map((layer) => {
    const power = powers.get(layer.node);
    return { ...layer, signalToNoiseDb: power === undefined ? null : ratioDb(power) };
  });
}

/**
 * Ranges for the islands. In the whole model some values have none, because they take the scale of the value that they come from; by itself
 * a layer that reads such a value needs its range.
 */
async function completed(settings: SensitivitySettings, { model, ranges, originals }: Islands): Promise<Ranges> {
  const missing = settings.edges(model, settings.recipe).filter((value) => !ranges.has(value));
  if (missing.length === 0) return ranges;
  const nameOf = (value: string): string => originals.get(value) ?? value;
  const { samplesMaximum = SAMPLES_MAXIMUM, open, signal, onSample } = settings;
  const calibration = { method: 'minmax' as const, percentile: 100, samplesMaximum };
  const found = await calibrate(settings.model, missing.map(nameOf), settings.samples, {
    calibration,
    open,
    ...(signal === undefined ? {} : { signal }),
    ...(onSample === undefined ? {} : { onSample }),
  });
  const added = missing.flatMap((value) => {
    const range = found.ranges.get(nameOf(value));
    return range === undefined ? [] : [[value, range] as const];
  });
  return new Map([...ranges, ...added]);
}

/** The quantised layers, the most harmful first, for a search: the smallest ratio. What was not measured comes last. */
export function bySensitivity(layers: readonly LayerReport[]): string[] {
  const harm = ({ signalToNoiseDb }: LayerReport): number => signalToNoiseDb ?? Number.POSITIVE_INFINITY;
  return layers
    .filter(({ inFloat }) => !inFloat)
    .sort((a, b) => (harm(a) === harm(b) ? 0 : harm(a) - harm(b)))
    .map(({ node }) => node);
}

function ratioDb({ signal, noise }: Power): number | null {
  if (Number.isNaN(signal) || Number.isNaN(noise) || !Number.isFinite(signal)) return null;
  if (noise === 0) return NOISELESS_DB;
  return Math.max(-NOISELESS_DB, Math.min(NOISELESS_DB, 10 * Math.log10(signal / noise)));
}

const signalOf = (layer: string): string => `signal/${layer}`;
const noiseOf = (layer: string): string => `noise/${layer}`;

/** The float model with the quantised islands beside it, whose outputs are powers of signal and noise alone. */
function compared(model: OnnxModel, quantised: OnnxModel, islands: readonly Island[]): OnnxModel {
  const { graph } = quantised;
  const shared = new Set(graph.input.map(({ name }) => name));
  const renamed = (names: readonly string[]): string[] => names.map((name) => (name === '' || shared.has(name) ? name : PREFIX + name));
  const nodes = graph.node.map((node, index) => ({
    ...own(node),
    name: `${PREFIX}${index}/${node.name ?? ''}`,
    input: renamed(node.input),
    output: renamed(node.output),
  }));
  const initializer = graph.initializer.map((tensor) => ({ ...own(tensor), name: PREFIX + (tensor.name ?? '') }));
  // In reverse order: ONNX Runtime then runs each comparison when its values are there, and frees them.
  const comparisons = islands.toReversed().flatMap(({ layer, output, isolated }) => {
    const difference = `difference/${layer}`;
    return [
      node('ReduceSumSquare', [output], signalOf(layer)),
      node('Sub', [output, PREFIX + isolated], difference),
      node('ReduceSumSquare', [difference], noiseOf(layer)),
    ];
  });
  const domains = new Set(model.opsetImport.map(({ domain }) => domain ?? ''));
  return {
    ...model,
    opsetImport: [...model.opsetImport, ...quantised.opsetImport.filter(({ domain }) => !domains.has(domain ?? ''))],
    graph: {
      ...model.graph,
      node: [...model.graph.node, ...nodes, ...comparisons],
      initializer: [...model.graph.initializer, ...initializer],
      output: islands.toReversed().flatMap(({ layer }) => [{ name: signalOf(layer) }, { name: noiseOf(layer) }]),
    },
  };
}

function node(opType: string, input: string[], output: string): NodeProto {
  const keepdims = { name: 'keepdims', type: attributeType.int, i: 0 };
  return { name: output, opType, input, output: [output], attribute: opType === 'ReduceSumSquare' ? [keepdims] : [] };
}

/** All fields of a message, those that stand on its prototype too. */
function own<Message extends object>(message: Message): Message {
  const fields: Record<string, unknown> = {};
  for (const key in message) if (typeof message[key] !== 'function') fields[key] = message[key];
  return fields as Message;
}

async function run(settings: SensitivitySettings, model: OnnxModel, islands: readonly Island[]): Promise<Map<string, Power>> {
  const { samples, samplesMaximum = SAMPLES_MAXIMUM, signal } = settings;
  const powers = new Map(islands.map(({ layer }) => [layer, { signal: 0, noise: 0 }]));
  let session: InferenceSession | undefined;
  try {
    session = await settings.open(model);
    let done = 0;
    for await (const feeds of samples.feeds()) {
      signal?.throwIfAborted();
      const outputs = await session.run(feeds);
      const scalar = (name: string): number => (outputs[name]?.data as Float32Array | undefined)?.[0] ?? Number.NaN;
      for (const [layer, power] of powers) {
        power.signal += scalar(signalOf(layer));
        power.noise += scalar(noiseOf(layer));
      }
      done += 1;
      settings.onSample?.(done, samplesMaximum);
      if (done >= samplesMaximum) break;
    }
    return powers;
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new StarlingError('sensitivity-failed', `the layers cannot be measured one by one: ${messageOf(cause).slice(0, 500)}`, {
      field: 'recipe.accuracyLossPointsMaximum',
      hint: 'build without an accuracy budget, or name the layers to leave in float (keepInFloat)',
      cause,
    });
  } finally {
    await session?.release();
  }
}
