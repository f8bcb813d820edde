import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, StarlingError } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { type OnnxModel, readModel, writeModel } from '../onnx/read.ts';

/**
 * The graph as ONNX Runtime has it after its own passes: `disabled` only infers types and shapes, `basic` also folds constants and removes
 * what is redundant, all in operators of ONNX. Higher levels shape it for the processor at hand and are for caches on devices.
 * @throws StarlingError `invalid-model` if ONNX Runtime refuses it
 */
export async function rewriteByOnnxRuntime(model: OnnxModel, level: 'disabled' | 'basic'): Promise<OnnxModel> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-optimise-'));
  const file = join(folder, 'model.onnx');
  try {
    const session = await InferenceSession.create(writeModel(model), {
      executionProviders: ['cpu'],
      graphOptimizationLevel: level,
      optimizedModelFilePath: file,
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    await session.release();
    return readModel(await readFile(file));
  } catch (cause) {
    throw new StarlingError('invalid-model', `ONNX Runtime refuses the model: ${messageOf(cause).slice(0, 500)}`, {
      field: 'model',
      hint: 'check it with onnx.checker and export it again',
      cause,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
