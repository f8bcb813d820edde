import { messageOf, StarlingError } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { type OnnxModel, writeModel } from '../onnx/index.ts';

/**
 * Has ONNX Runtime load a model, for what it learns and does while loading.
 * @param model or its file
 * @throws StarlingError `invalid-model` if it refuses the model
 */
export async function loadByOnnxRuntime(model: OnnxModel | string, given: InferenceSession.SessionOptions): Promise<InferenceSession> {
  const options = { executionProviders: ['cpu'], intraOpNumThreads: 1, logSeverityLevel: 4, ...given } as const;
  try {
    return await (typeof model === 'string'
      ? InferenceSession.create(model, options)
      : InferenceSession.create(writeModel(model), options));
  } catch (cause) {
    throw new StarlingError('invalid-model', `ONNX Runtime refuses the model: ${messageOf(cause).slice(0, 500)}`, {
      field: 'model',
      hint: 'check it with onnx.checker and export it again',
      cause,
    });
  }
}
