import type { BuildRecipe } from '@starling/shared';
import type { ChangeReport } from '../contracts.ts';
import {
  computedPayload,
  floatOf,
  floatsOf,
  freshName,
  graphsFrom,
  intOf,
  isStandard,
  makeNode,
  makeTensor,
  type NodeProto,
  type OnnxModel,
  setPayload,
  type TensorProto,
  tensorDataType,
  toNumber,
  valueNames,
} from '../onnx/index.ts';
import { type ConstantWeight, constantWeights, ELEMENTS_MINIMUM, removeWeights } from './constant-weights.ts';

/** The largest value of 4 bits. */
const LEVEL_MAXIMUM = 15;
/** The zero point of blocks that have none of their own. */
const MIDDLE = 8;

export interface Int4Blocks {
  /** [columns, blocks, blockSize / 2], two values to a byte, the first in the lower half. */
  packed: Uint8Array;
  /** [columns, blocks] */
  scales: Float32Array;
  /** [columns, ceil(blocks / 2)], packed in the same way; absent if all are 8. */
  zeroPoints: Uint8Array | undefined;
}

/**
 * Quantises a matrix of `rows` by `columns` in blocks of a column, as MatMulNBits of ONNX Runtime wants it and as its own
 * `MatMulNBitsQuantizer` does: with zero points, a block spans its smallest to its largest value and 0; symmetric ones span the value of
 * largest magnitude, which becomes 0 of 15.
 */
export function quantiseBlocks(matrix: Float32Array, { rows, columns, blockSize, symmetric, transposed = false }: BlockShape): Int4Blocks {
  const blocks = Math.ceil(rows / blockSize);
  const zeroStride = Math.ceil(blocks / 2);
  const packed = new Uint8Array((columns * blocks * blockSize) / 2);
  const scales = new Float32Array(columns * blocks);
  const zeroPoints = symmetric ? undefined : new Uint8Array(columns * zeroStride);
  // The half byte after the last of an odd number of blocks is never read; onnxruntime's quantiser leaves the middle there.
  if (zeroPoints !== undefined && blocks % 2 === 1) {
    for (let column = 0; column < columns; column += 1) zeroPoints[(column + 1) * zeroStride - 1] = MIDDLE << 4;
  }
  const [rowStride, columnStride] = transposed ? [1, rows] : [columns, 1];
  for (let column = 0; column < columns; column += 1) {
    for (let block = 0; block < blocks; block += 1) {
      const start = block * blockSize;
      const end = Math.min(rows, start + blockSize);
      const at = (row: number): number => matrix[row * rowStride + column * columnStride] as number;
      const { scale, zero } = symmetric ? symmetricScale(at, start, end) : spanningScale(at, start, end);
      scales[column * blocks + block] = scale;
      if (zeroPoints !== undefined) {
        const byte = column * zeroStride + (block >> 1);
        zeroPoints[byte] = (zeroPoints[byte] as number) | (zero << (4 * (block & 1)));
      }
      const reciprocal = scale === 0 ? 0 : Math.fround(1 / scale);
      for (let row = start; row < start + blockSize; row += 1) {
        // Rows beyond the matrix fill the last block; they meet activations of 0.
        const level = row < end ? levelOf(Math.fround(at(row) * reciprocal), zero) : zero;
        const byte = (column * blocks * blockSize + row) >> 1;
        packed[byte] = (packed[byte] as number) | (level << (4 * (row & 1)));
      }
    }
  }
  return { packed, scales, zeroPoints };
}

interface BlockShape {
  rows: number;
  columns: number;
  blockSize: number;
  symmetric: boolean;
  /** The matrix is kept column by column. */
  transposed?: boolean;
}

function symmetricScale(at: (row: number) => number, start: number, end: number): { scale: number; zero: number } {
  let minimum = 0;
  let maximum = 0;
  for (let row = start; row < end; row += 1) {
    minimum = Math.min(minimum, at(row));
    maximum = Math.max(maximum, at(row));
  }
  const extreme = Math.abs(maximum) > Math.abs(minimum) ? maximum : minimum;
  return { scale: Math.fround(extreme / -MIDDLE), zero: MIDDLE };
}

function spanningScale(at: (row: number) => number, start: number, end: number): { scale: number; zero: number } {
  let minimum = 0;
  let maximum = 0;
  for (let row = start; row < end; row += 1) {
    minimum = Math.min(minimum, at(row));
    maximum = Math.max(maximum, at(row));
  }
  const scale = Math.fround(Math.fround(maximum - minimum) / LEVEL_MAXIMUM);
  const zero = scale === 0 ? 0 : Math.min(LEVEL_MAXIMUM, Math.max(0, roundAway(Math.fround(-minimum / scale))));
  return { scale, zero };
}

function levelOf(scaled: number, zero: number): number {
  return Math.min(LEVEL_MAXIMUM, Math.max(0, roundAway(scaled + zero)));
}

/** As `roundf` of C: halves away from 0. */
function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

export interface Int4Options {
  blockSize: number;
  symmetric?: boolean;
  /** Nodes that stay as they are. */
  keepInFloat?: readonly string[];
}

interface Product {
  node: NodeProto;
  weight: ConstantWeight;
  blocks: Omit<BlockShape, 'symmetric'>;
}

/**
 * Stores the weights of matrix products in 4 bits, which MatMulNBits of ONNX Runtime multiplies by without unpacking them first. Other
 * engines do not have this operator. Changes the model in place; the values are packed when they are written.
 */
export function quantiseToInt4(model: OnnxModel, { blockSize, symmetric = false, keepInFloat = [] }: Int4Options): ChangeReport {
  const notes: string[] = [];
  const taken = new Set(graphsFrom(model.graph).flatMap((graph) => [...valueNames(graph)]));
  const products = productsOf(model, blockSize, new Set(keepInFloat));
  const stored = new Map<ConstantWeight, string[]>();
  const replacements = new Map<NodeProto, NodeProto[]>();
  const left = new Map<ConstantWeight, number>();
  for (const product of products) {
    const { node, weight, blocks } = product;
    let names = stored.get(weight);
    if (names === undefined) {
      const values = floatsOf(weight.tensor);
      if (!values.every(Number.isFinite)) {
        notes.push(`"${weight.name}" holds NaN or infinity and stays in float`);
        continue;
      }
      names = storeBlocks(weight, values, { ...blocks, symmetric }, taken);
      stored.set(weight, names);
    }
    left.set(weight, (left.get(weight) ?? weight.uses.length) - 1);
    replacements.set(node, multiply(node, names, blocks, taken));
  }
  // A weight that something else uses too stays beside its blocks.
  const unused = [...left].filter(([weight, uses]) => uses === 0 && !weight.isOutput).map(([weight]) => weight);
  removeWeights(unused);
  for (const graph of graphsFrom(model.graph)) graph.node = graph.node.flatMap((node) => replacements.get(node) ?? [node]);
  if (stored.size > 0) importMicrosoft(model);
  if (left.size > unused.length) notes.push(`${left.size - unused.length} weights are kept in float too, for other nodes that use them`);
  return { quantisedTensors: stored.size, layers: [], notes };
}

/** The recipe `weights-int4`. */
export function applyInt4Weights(model: OnnxModel, recipe: BuildRecipe): ChangeReport {
  return quantiseToInt4(model, { blockSize: recipe.blockSize, keepInFloat: recipe.keepInFloat });
}

function productsOf(model: OnnxModel, blockSize: number, kept: ReadonlySet<string>): Product[] {
  const products: Product[] = [];
  for (const weight of constantWeights(model.graph)) {
    const [first = 0, second = 0] = weight.shape;
    if (weight.shape.length !== 2 || first * second < ELEMENTS_MINIMUM) continue;
    let stored: boolean | undefined;
    for (const { node, index } of weight.uses) {
      if (index !== 1 || !isProduct(node) || (node.name !== undefined && kept.has(node.name))) continue;
      const transposed = node.opType === 'Gemm' && intOf(node, 'transB', 0) === 1;
      const [rows, columns] = transposed ? [second, first] : [first, second];
      // One weight is stored in one way: a use with the other orientation keeps the floats.
      if (rows < blockSize || (stored ?? transposed) !== transposed) continue;
      stored = transposed;
      products.push({ node, weight, blocks: { rows, columns, blockSize, transposed } });
    }
  }
  return products;
}

function isProduct(node: NodeProto): boolean {
  if (!isStandard(node)) return false;
  if (node.opType === 'MatMul') return true;
  const plain = floatOf(node, 'alpha', 1) === 1 && floatOf(node, 'beta', 1) === 1 && intOf(node, 'transA', 0) === 0;
  return node.opType === 'Gemm' && plain;
}

/** @returns the names of the blocks, their scales and, if there are any, their zero points */
function storeBlocks(weight: ConstantWeight, values: Float32Array, shape: BlockShape, taken: Set<string>): string[] {
  const { rows, columns, blockSize } = shape;
  const { scales, zeroPoints, packed } = quantiseBlocks(values, shape);
  const blocks = Math.ceil(rows / blockSize);
  const levels: TensorProto = { name: freshName(taken, `${weight.name}_int4`), dims: [], dataType: tensorDataType.uint8 };
  const { tensor } = weight;
  const make = (): Uint8Array => quantiseBlocks(floatsOf(tensor), shape).packed;
  setPayload(levels, 'uint8', [columns, blocks, blockSize / 2], computedPayload(packed.length, make));
  const added = [levels, makeTensor(freshName(taken, `${weight.name}_scale`), 'float', [columns, blocks], scales)];
  if (zeroPoints !== undefined) {
    added.push(makeTensor(freshName(taken, `${weight.name}_zero`), 'uint8', [columns, Math.ceil(blocks / 2)], zeroPoints));
  }
  weight.graph.initializer.push(...added);
  return added.map(({ name }) => name ?? '');
}

function multiply(
  node: NodeProto,
  names: readonly string[],
  { rows, columns, blockSize }: Product['blocks'],
  taken: Set<string>,
): NodeProto[] {
  const [output = ''] = node.output;
  const bias = node.opType === 'Gemm' ? node.input[2] : undefined;
  const hasBias = bias !== undefined && bias !== '';
  const product = hasBias ? freshName(taken, `${output}_product`) : output;
  const attributes = { K: { int: rows }, N: { int: columns }, bits: { int: 4 }, block_size: { int: blockSize } };
  const name = node.name === undefined || node.name === '' ? `${output}_int4` : node.name;
  const multiplied = makeNode('MatMulNBits', [node.input[0] ?? '', ...names], [product], { name, domain: 'com.microsoft', attributes });
  return hasBias ? [multiplied, makeNode('Add', [product, bias], [output], { name: `${name}_bias` })] : [multiplied];
}

function importMicrosoft(model: OnnxModel): void {
  if (model.opsetImport.some(({ domain, version }) => domain === 'com.microsoft' && toNumber(version) >= 1)) return;
  model.opsetImport.push({ domain: 'com.microsoft', version: 1 });
}
