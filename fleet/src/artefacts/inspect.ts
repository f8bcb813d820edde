import { dirname } from 'node:path';
import { messageOf, StarlingError, type TensorPort, tensorElementTypeSchema } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { judgeOptions } from './build/kernels.ts';
import type { Inspection } from './build-messages.ts';
import { dataLocation, externalFiles, type OnnxModel, openModel, toNumber } from './onnx/index.ts';

/** Opsets of the standard domain that ONNX Runtime 1.30 loads. */
const OPSET_MINIMUM = 7;
const OPSET_MAXIMUM = 26;

/**
 * Checks that a file is a model that ONNX Runtime can run, and reads its ports.
 * @param weights digest of its weights, where they are apart: the file of that name beside it
 * @throws StarlingError `external-data-path` if it names any other file, `external-data-corrupt`, `weights-unused`, `not-onnx`, `onnx-truncated`, `external-data-missing`, `unsupported-opset`, `unsupported-operator`, `invalid-model`
 */
export async function inspectModel(file: string, weights?: string): Promise<Inspection> {
  const { model, close } = openModel(file);
  close();
  const opset = opsetOf(model);
  if (opset < OPSET_MINIMUM || opset > OPSET_MAXIMUM) {
    throw new StarlingError('unsupported-opset', `the model has opset ${opset}`, {
      field: 'model.opsetImport',
      hint: `export it with an opset from ${OPSET_MINIMUM} to ${OPSET_MAXIMUM}`,
    });
  }
  if (weights === undefined) refuseExternalData(model);
  else requireOnly(weights, file, model);
  const session = await openSession(file, weights !== undefined);
  try {
    return {
      opset,
      operators: [...new Set(model.graph.node.map((node) => node.opType))].sort(),
      inputs: session.inputMetadata.map((metadata) => portOf(metadata, 'inputs')),
      outputs: session.outputMetadata.map((metadata) => portOf(metadata, 'outputs')),
    };
  } finally {
    await session.release();
  }
}

function opsetOf(model: OnnxModel): number {
  const standard = model.opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx');
  return standard === undefined ? 0 : toNumber(standard.version);
}

/** Before ONNX Runtime gets to see the path of the model: it would look beside it. */
function refuseExternalData(model: OnnxModel): void {
  const [file] = externalFiles(model);
  if (file === undefined) return;
  const tensor = model.graph.initializer.find((each) => each.dataLocation === dataLocation.external);
  throw new StarlingError('external-data-missing', `the tensor "${tensor?.name ?? ''}" is kept in ${file}, which is not here`, {
    field: 'model.graph.initializer',
    hint: 'save the model with its data inside, as one file',
  });
}

/** The weights that were pushed are all that a model may read, and all of its tensors lie within them. */
function requireOnly(weights: string, file: string, model: OnnxModel): void {
  const files = externalFiles(model);
  const other = files.find((name) => name !== weights);
  if (other !== undefined) {
    throw new StarlingError('external-data-path', `the model keeps data in "${other}", its weights are ${weights}`, {
      field: 'weights',
      hint: 'the location of external data has to be the SHA-256 of the file of weights; "starling model push" sees to it',
    });
  }
  if (files.length === 0) {
    throw new StarlingError('weights-unused', 'the model holds all of its data itself', {
      field: 'weights',
      hint: 'leave the weights out',
    });
  }
  openModel(file, { externalDirectory: dirname(file) }).close();
}

async function openSession(file: string, isLarge: boolean): Promise<InferenceSession> {
  try {
    const options = isLarge ? judgeOptions(false, true) : { executionProviders: ['cpu'] };
    return await InferenceSession.create(file, { ...options, logSeverityLevel: 4 });
  } catch (cause) {
    const message = messageOf(cause);
    const operator =
      /(?:for the node|Could not find an implementation for) ([\w.:-]+)|No Op registered for (\w+)|(\w+)\(-?\d+\) is not a registered/.exec(
        message,
      );
    if (operator !== null) {
      const name = operator[2] ?? operator[1] ?? operator[3] ?? 'an operator';
      throw new StarlingError('unsupported-operator', `ONNX Runtime cannot run ${name}`, {
        field: `model.graph.node.${name}`,
        hint: 'replace the operator, or export with another opset',
        cause,
      });
    }
    throw new StarlingError('invalid-model', `ONNX Runtime refuses the model: ${message.slice(0, 500)}`, {
      field: 'model',
      hint: 'check it with onnx.checker and export it again',
      cause,
    });
  }
}

function portOf(metadata: InferenceSession.ValueMetadata, side: string): TensorPort {
  if (!metadata.isTensor) {
    throw new StarlingError('unsupported-type', `"${metadata.name}" is no tensor`, {
      field: `model.graph.${side}`,
      hint: 'only tensors can be ports',
    });
  }
  return {
    name: metadata.name,
    elementType: tensorElementTypeSchema.parse(metadata.type),
    // A free dimension without a name gets one from its place.
    shape: metadata.shape.map((length, axis) =>
      typeof length === 'number' ? (length > 0 ? length : `d${axis}`) : length === '' ? `d${axis}` : length,
    ),
  };
}
