/** A number of layers and their width -> an ONNX file of matrix products with random weights, a layer at a time. */
import { bytesOf, computedPayload, makeNode, setPayload, type TensorProto, writeModelFile } from '../../fleet/src/artefacts/onnx/index.ts';
import { seededRandom } from '../scenes/random.ts';

const OPSET = 17;
const IR_VERSION = 8;
const FLOAT = 1;
const SEED = 1;

export function writeStack(file: string, side: number, layers: number): void {
  const value = (layer: number): string => (layer === 0 ? 'x' : layer === layers ? 'y' : `value${layer}`);
  const port = (name: string) => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: [{ dimValue: 1 }, { dimValue: side }] } } },
  });
  const node = Array.from({ length: layers }, (_, layer) =>
    makeNode('MatMul', [value(layer), `weight${layer}`], [value(layer + 1)], { name: `product${layer}` }),
  );
  const initializer = Array.from({ length: layers }, (_, layer) => weight(layer, side));
  const graph = { name: 'stack', node, initializer, input: [port('x')], output: [port('y')] };
  writeModelFile({ irVersion: IR_VERSION, opsetImport: [{ domain: '', version: OPSET }], graph }, file);
}

/** Uniform, and of a spread with which values neither grow nor vanish from layer to layer. */
function weight(layer: number, side: number): TensorProto {
  const tensor: TensorProto = { name: `weight${layer}`, dims: [], dataType: FLOAT };
  const largest = Math.sqrt(3 / side);
  const make = (): Uint8Array => {
    const random = seededRandom(SEED, layer);
    return bytesOf(Float32Array.from({ length: side * side }, () => random.between(-largest, largest)));
  };
  setPayload(tensor, 'float', [side, side], computedPayload(side * side * 4, make));
  return tensor;
}
