/** A picture -> every value of the graph, as Node and as a browser compute it; and how far two of them are apart. */
import type { Page } from 'playwright-core';
import type { Engine, Tensor } from '../../agent/src/core/ports/engine.ts';
import { type Evaluation, openEvaluation } from '../../agent/src/core/runtime/index.ts';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { readAsset } from '../../agent/src/node/engine/assets.ts';
import { createOnnxRuntime } from '../../agent/src/node/engine/onnxruntime.ts';
import { createSharpCodec } from '../../agent/src/node/image-codec.ts';
import { createThreadSandbox } from '../../agent/src/node/sandbox.ts';
import { demoModels } from '../demo/models.ts';
import { openSigns } from './browser-fleet.ts';

const RUN_TIMEOUT_MS = 120_000;
/** `|a - b|` may be as large as a ten thousandth of the largest value, and a thousandth of the value itself. */
const OF_LARGEST = 1e-4;
const OF_ITSELF = 1e-3;

/** One array of numbers on an edge; an edge that carries a list has several. */
export interface EdgeValue {
  edge: string;
  shape: readonly number[];
  numbers: Float32Array | Float64Array | Uint8Array;
}

/** All values of a graph for one picture. */
export interface EdgeValues {
  numbers: EdgeValue[];
  /** The texts of the readings, in their order. */
  texts: string[];
}

export interface NodeGraph {
  run(picture: Uint8Array): Promise<EdgeValues>;
  close(): Promise<void>;
}

/** The graph in the engine of the agent with Node, with the files that it has pulled. */
export async function openNodeGraph(files: ReadonlyMap<string, string>): Promise<NodeGraph> {
  const engine: Engine = createOnnxRuntime({
    workerUrl: new URL('../../agent/src/node/engine/session-worker.ts', import.meta.url),
    runTimeoutMs: RUN_TIMEOUT_MS,
    onHung: () => undefined,
  });
  const models = Object.fromEntries(
    demoModels.map(({ name, file, assets = {} }) => [name, { file: files.get(name) ?? file, assets }] as const),
  );
  const { inputs, outputs, nodes, edges } = openSigns;
  const graph = { inputs, outputs, nodes, edges };
  const sandbox = createThreadSandbox(new URL('../../agent/src/node/engine/script-worker.ts', import.meta.url));
  const ports = { clock: createSystemClock(), codec: createSharpCodec(), engine, sandbox, readAsset };
  const evaluation: Evaluation = await openEvaluation({ graph, models, exact: [], threads: 0 } as never, ports);
  return {
    run: async (picture) => valuesOf((await evaluation.run(picture)).outputs),
    async close() {
      await evaluation.close();
      await engine.close();
    },
  };
}

function valuesOf(outputs: Readonly<Record<string, unknown>>): EdgeValues {
  const numbers: EdgeValue[] = [];
  for (const [edge, value] of Object.entries(outputs)) {
    const dense = (Array.isArray(value) ? value : [value]).map(denseOf);
    if (dense.every((each) => each !== undefined)) numbers.push(...dense.map((each) => ({ edge, ...each })));
    else numbers.push({ edge, ...plainNumbers(value) });
  }
  return { numbers, texts: textsIn(outputs['collect.readings']) };
}

/** A tensor, or the pixels of a picture. */
function denseOf(value: unknown): Omit<EdgeValue, 'edge'> | undefined {
  if (typeof value !== 'object' || value === null || !('data' in value)) return undefined;
  const { data, shape, width, height } = value as Partial<Tensor> & { width?: number; height?: number };
  if (data instanceof Float32Array && shape !== undefined) return { shape, numbers: data };
  if (data instanceof Uint8Array && width !== undefined && height !== undefined) return { shape: [height, width, 3], numbers: data };
  return undefined;
}

/** Corners, scores and confidences, in the order in which they stand. */
function plainNumbers(value: unknown): Omit<EdgeValue, 'edge'> {
  const found: number[] = [];
  const walk = (part: unknown): void => {
    if (typeof part === 'number') found.push(part);
    else if (typeof part === 'object' && part !== null) for (const each of Object.values(part)) walk(each);
  };
  walk(value);
  return { shape: [found.length], numbers: Float64Array.from(found) };
}

function textsIn(readings: unknown): string[] {
  return Array.isArray(readings) ? readings.map(({ text }: { text: string }) => text) : [];
}

/** What the tab has read last. @param edges only these, if given */
export async function valuesInTab(page: Page, edges?: readonly string[]): Promise<EdgeValues> {
  const packed = await page.evaluate(packLastResult, edges);
  const outputs = Object.fromEntries(
    packed.map(({ edge, plain, dense }) => [
      edge,
      dense === undefined ? plain : dense.map(({ base64, type, ...rest }) => ({ ...rest, data: unpack(base64, type) })),
    ]),
  );
  return valuesOf(outputs);
}

function unpack(base64: string, type: string): Float32Array | Uint8Array {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  return type === 'Float32Array' ? new Float32Array(bytes.buffer) : bytes;
}

interface PackedDense {
  base64: string;
  type: string;
  shape?: readonly number[];
  width?: number;
  height?: number;
}

interface PackedEdge {
  edge: string;
  plain?: unknown;
  dense?: PackedDense[];
}

/** In the page: the last result in a form that reaches the bench. */
async function packLastResult(edges: readonly string[] | undefined): Promise<PackedEdge[]> {
  interface Dense {
    data: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
    shape?: readonly number[];
    width?: number;
    height?: number;
  }
  const { outputs } = (globalThis as unknown as { lastResult: { outputs: Record<string, unknown> } }).lastResult;
  const base64Of = (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
    new Promise((resolve) => {
      const reader = new FileReader();
      reader.addEventListener('load', () => resolve(String(reader.result).replace(/^[^,]*,/, '')));
      reader.readAsDataURL(new Blob([bytes]));
    });
  const isDense = (value: unknown): value is Dense => typeof value === 'object' && value !== null && 'data' in value;
  const pack = async ({ data, ...rest }: Dense): Promise<PackedDense> => ({
    base64: await base64Of(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    type: data.constructor.name,
    ...(rest.shape === undefined ? { width: rest.width ?? 0, height: rest.height ?? 0 } : { shape: rest.shape }),
  });
  const packed: PackedEdge[] = [];
  for (const [edge, value] of Object.entries(outputs)) {
    if (edges !== undefined && !edges.includes(edge)) continue;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    packed.push(list.length > 0 && list.every(isDense) ? { edge, dense: await Promise.all(list.map(pack)) } : { edge, plain: value });
  }
  return packed;
}

export interface Distance {
  /** Arrays that were compared, and those among them that are equal in every bit. */
  arrays: number;
  equal: number;
  /** Arrays of which a value is outside the tolerance, or that have another shape. */
  outside: number;
  /** Largest difference, as a share of what is allowed there; and on which edge. */
  worst: number;
  worstEdge: string;
  largestByEdge: Map<string, number>;
}

export function noDistance(): Distance {
  return { arrays: 0, equal: 0, outside: 0, worst: 0, worstEdge: '', largestByEdge: new Map() };
}

/** Adds how far the values of one picture are apart. */
export function addDistance(sum: Distance, ours: EdgeValues, reference: EdgeValues): void {
  const edges = new Set([...ours.numbers, ...reference.numbers].map(({ edge }) => edge));
  for (const edge of edges) {
    const [left, right] = [ours, reference].map(({ numbers }) => numbers.filter((each) => each.edge === edge));
    for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
      const share = shareOfAllowed(left?.[index], right?.[index]);
      sum.arrays += 1;
      if (share === 0) sum.equal += 1;
      // Written so that a NaN is outside.
      if (!(share <= 1)) sum.outside += 1;
      sum.largestByEdge.set(edge, Math.max(share, sum.largestByEdge.get(edge) ?? 0));
      if (share > sum.worst) [sum.worst, sum.worstEdge] = [share, edge];
    }
  }
}

/** Largest `|a - b| / (1e-4 max|b| + 1e-3 |b|)`. */
function shareOfAllowed(ours: EdgeValue | undefined, reference: EdgeValue | undefined): number {
  if (ours === undefined || reference === undefined) return Number.POSITIVE_INFINITY;
  if (ours.shape.join() !== reference.shape.join()) return Number.POSITIVE_INFINITY;
  const [a, b] = [ours.numbers, reference.numbers];
  let largest = 0;
  for (const value of b) largest = Math.max(largest, Math.abs(value));
  let share = 0;
  for (let index = 0; index < b.length; index += 1) {
    const [left, right] = [a[index] as number, b[index] as number];
    if (left === right) continue;
    const apart = Math.abs(left - right) / (OF_LARGEST * largest + OF_ITSELF * Math.abs(right));
    if (!(apart <= share)) share = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
  }
  return share;
}
