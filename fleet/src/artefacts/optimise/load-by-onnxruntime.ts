import { messageOf, StarlingError } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { type OnnxModel, writeModel } from '../onnx/index.ts';

/**
 * Has ONNX Runtime load a model, for what it learns and does while loading.
 * @throws StarlingError `invalid-model` if it refuses the model
 */
export async function loadByOnnxRuntime(model: OnnxModel, options: InferenceSession.SessionOptions): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(writeModel(model), {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
      ...options,
    });
  } catch (cause) {
    throw new StarlingError('invalid-model', `ONNX Runtime refuses the model: ${messageOf(cause).slice(0, 500)}`, {
      field: 'model',
      hint: 'check it with onnx.checker and export it again',
      cause,
    });
  }
}
