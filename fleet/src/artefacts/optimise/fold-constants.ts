import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  dataBytes,
  dataLocation,
  type GraphProto,
  graphsFrom,
  isStandard,
  type OnnxModel,
  readModel,
  subgraphsOf,
  tensorDataType,
  writeModelFile,
} from '../onnx/index.ts';
import { loadByOnnxRuntime } from './load-by-onnxruntime.ts';

/** A larger model is left to fold on the device: ONNX Runtime would hold it two more times. */
const WEIGHT_BYTES_MAXIMUM = 256 * 1024 * 1024;

/**
 * Computes what does not depend on inputs and removes what is redundant, through ONNX Runtime's basic level.
 * @returns why it was not done, or undefined
 * @throws StarlingError `invalid-model` if ONNX Runtime refuses the model
 */
export async function foldConstants(model: OnnxModel): Promise<string | undefined> {
  if (weightBytes(model.graph) > WEIGHT_BYTES_MAXIMUM)
    return `constants are not folded: the weights are larger than ${WEIGHT_BYTES_MAXIMUM} bytes`;
  if (hasExternalData(model.graph)) return 'constants are not folded: weights lie in another file';
  // The CPU provider puts Casts around what it has no kernels for in half precision, and they would stay in the file.
  if (hasHalfPrecision(model.graph)) return 'constants are not folded: the model computes in half precision';
  const before = domainsOf(model.graph);
  const folded = await runBasicLevel(model);
  const after = domainsOf(folded.graph);
  const foreign = [...after].filter((domain) => !before.has(domain));
  if (foreign.length > 0) return `constants are not folded: ONNX Runtime would add operators of ${foreign.join(', ')}`;
  model.graph = folded.graph;
  // ONNX Runtime lists every domain that it knows.
  const listed = new Set([...before, '', 'ai.onnx']);
  model.opsetImport = folded.opsetImport.filter(({ domain }) => listed.has(domain ?? ''));
  model.functions = folded.functions ?? [];
  return undefined;
}

/** What ONNX Runtime does at this level, it writes in operators of ONNX; higher levels shape a graph for the processor at hand. */
async function runBasicLevel(model: OnnxModel): Promise<OnnxModel> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-optimise-'));
  const [source, folded] = [join(folder, 'source.onnx'), join(folder, 'folded.onnx')];
  try {
    writeModelFile(model, source);
    const session = await loadByOnnxRuntime(source, { graphOptimizationLevel: 'basic', optimizedModelFilePath: folded });
    await session.release();
    return readModel(await readFile(folded));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function everyNode(graph: GraphProto): GraphProto['node'] {
  return graph.node.flatMap((node) => [node, ...subgraphsOf(node).flatMap(everyNode)]);
}

function domainsOf(graph: GraphProto): Set<string> {
  return new Set(everyNode(graph).map((node) => (isStandard(node) ? '' : (node.domain ?? ''))));
}

function weightBytes(graph: GraphProto): number {
  return graphsFrom(graph)
    .flatMap(({ initializer }) => initializer)
    .reduce((bytes, tensor) => bytes + dataBytes(tensor), 0);
}

function hasExternalData(graph: GraphProto): boolean {
  return graphsFrom(graph).some(({ initializer }) => initializer.some((tensor) => tensor.dataLocation === dataLocation.external));
}

function hasHalfPrecision(graph: GraphProto): boolean {
  const half: number[] = [tensorDataType.float16, tensorDataType.bfloat16];
  return graphsFrom(graph).some(
    ({ initializer, input, node }) =>
      initializer.some(({ dataType }) => half.includes(dataType)) ||
      input.some(({ type }) => half.includes(type?.tensorType?.elemType ?? 0)) ||
      node.some(({ attribute }) => attribute.some(({ name, i }) => name === 'to' && half.includes(Number(i ?? 0)))),
  );
}
