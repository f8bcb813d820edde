import { messageOf, StarlingError } from '@starling/shared';
import { type GraphProto, type ModelProto, modelType } from './proto.ts';

/** A model whose graph is there. */
export interface OnnxModel extends ModelProto {
  graph: GraphProto;
}

/**
 * Parses an ONNX file.
 * @throws StarlingError `not-onnx` for anything else, `onnx-truncated` if it ends too early
 */
export function readModel(bytes: Uint8Array): OnnxModel {
  if (bytes.length === 0) throw new StarlingError('not-onnx', 'the file has no bytes', { field: 'model', hint: 'upload an .onnx file' });
  let model: ModelProto;
  try {
    model = modelType.decode(bytes) as unknown as ModelProto;
  } catch (cause) {
    const truncated = cause instanceof RangeError;
    throw new StarlingError(truncated ? 'onnx-truncated' : 'not-onnx', `not an ONNX file: ${messageOf(cause)}`, {
      field: 'model',
      hint: truncated ? 'the file ends too early: upload it again' : 'upload a file in ONNX format (protobuf)',
      cause,
    });
  }
  const { graph } = model;
  if (graph === undefined || graph === null || graph.node.length === 0 || model.opsetImport.length === 0) {
    throw new StarlingError('not-onnx', 'the file holds no ONNX graph', {
      field: 'model',
      hint: 'upload a file in ONNX format (protobuf)',
    });
  }
  return model as OnnxModel;
}

export function writeModel(model: ModelProto): Uint8Array {
  return modelType.encode(modelType.fromObject(model) as never).finish();
}
