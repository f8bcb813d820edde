import { messageOf, StarlingError, type TensorPort, tensorElementTypeSchema } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import type { Inspection } from './build-messages.ts';
import { dataLocation, externalFiles, type OnnxModel, openModel, toNumber } from './onnx/index.ts';

/** Opsets of the standard domain that ONNX Runtime 1.30 loads. */
const OPSET_MINIMUM = 7;
const OPSET_MAXIMUM = 26;

/**
 * Checks that a file is a model that ONNX Runtime can run, and reads its ports.
 * @throws StarlingError `not-onnx`, `onnx-truncated`, `external-data-missing`, `unsupported-opset`, `unsupported-operator`, `invalid-model`
 */
export async function inspectModel(file: string): Promise<Inspection> {
  const { model, close } = openModel(file);
  close();
  const opset = opsetOf(model);
  if (opset < OPSET_MINIMUM || opset > OPSET_MAXIMUM) {
    throw new StarlingError('unsupported-opset', `the model has opset ${opset}`, {
      field: 'model.opsetImport',
      hint: `export it with an opset from ${OPSET_MINIMUM} to ${OPSET_MAXIMUM}`,
    });
  }
  refuseExternalData(model);
  const session = await openSession(file);
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

async function openSession(file: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(file, { executionProviders: ['cpu'], logSeverityLevel: 4 });
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
