/** The bytes of an ONNX file, of any size -> a checked, typed model that can be viewed and edited as a graph -> the bytes of an ONNX file. */
export {
  type AttributeValue,
  attributeOf,
  floatOf,
  intOf,
  intsOf,
  isStandard,
  makeAttribute,
  makeNode,
  removeAttribute,
  setAttribute,
  textOf,
} from './attributes.ts';
export {
  checkModel,
  type ModelCheck,
  type NonFiniteTensor,
  nonFiniteTensors,
  operatorsOf,
  type Quantisation,
  quantisationOf,
  refuseNotNumbers,
} from './check.ts';
export { byteLengthOf, type DataTypeName, elementCount, type TypedArray, typeName } from './element-types.ts';
export { externalFiles, staysInside } from './external-data.ts';
export { findWeights, freshName, valueNames, type Weight } from './graph.ts';
export { filesBeside, joinExternalData, splitModel } from './join-external.ts';
export { loadedBytes } from './loaded-bytes.ts';
export { computedPayload, type Payload } from './payload.ts';
export {
  type AttributeProto,
  attributeType,
  type Dimension,
  dataLocation,
  type FunctionProto,
  type GraphProto,
  type Integer,
  type ModelProto,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  type TensorType,
  type TypeProto,
  tensorDataType,
  toBigInt,
  toInteger,
  toNumber,
  type ValueInfoProto,
} from './proto.ts';
export { type OnnxModel, type OpenModel, type OpenOptions, openModel, readModel } from './read.ts';
export { type TensorRegion, tensorRegionsOfFile } from './regions.ts';
export { bfloat16ToNumber, FLOAT16_MAXIMUM, float16ToNumber, numberToBfloat16, numberToFloat16 } from './small-floats.ts';
export { describeNode, sortNodes } from './sort.ts';
export { denseOf } from './sparse.ts';
export { capturesOf, definedNames, graphsFrom, nodesOf, renameCapture, subgraphsOf, tensorsOf } from './subgraphs.ts';
export {
  bytesOf,
  dataBytes,
  floatsOf,
  integersOf,
  makeTensor,
  setPayload,
  setValues,
  shapeOf,
  sizeOf,
  type TensorValues,
  tensorBytes,
  textsOf,
  valuesOf,
} from './tensor.ts';
export { constantNode, type GraphView, type Use, viewGraph } from './view.ts';
export { type WriteOptions, type WrittenModel, writeModel, writeModelFile } from './write.ts';
export { type ModelFiles, writeModelFiles } from './write-apart.ts';
