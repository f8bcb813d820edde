import { type ModelPorts, tensorElementTypeSchema, tensorPortSchema } from '@starling/shared';
import { z } from 'zod';
import { readDocument, requireFile } from './document-files.ts';
import { cliError } from './errors.ts';

const portsSchema = z.object({ inputs: z.array(tensorPortSchema).min(1), outputs: z.array(tensorPortSchema).min(1) });

/**
 * The ports of a model that no fleet has yet: of an ONNX file, or a file that lists `inputs` and `outputs`.
 * @throws StarlingError `bad-file`, `bad-document`, and what reading an ONNX file throws
 */
export async function readModelPorts(file: string): Promise<ModelPorts> {
  if (!file.endsWith('.onnx')) return readDocument(file, '--model', portsSchema);
  await requireFile(file, '--model', Number.MAX_SAFE_INTEGER);
  // Read only here: it parses the schema of ONNX, which no other command needs.
  const { openModel, toNumber, typeName } = await import('../artefacts/onnx/index.ts');
  const { model, close } = openModel(file);
  close();
  const constants = new Set(model.graph.initializer.map(({ name }) => name));
  const ports = (values: typeof model.graph.input): ModelPorts['inputs'] =>
    values.map(({ name, type }) => {
      const shape = (type?.tensorType?.shape?.dim ?? []).map(({ dimValue, dimParam }, axis) => {
        const length = dimValue === undefined ? 0 : toNumber(dimValue);
        // A free side without a name gets one from its place, as at the fleet.
        return length > 0 ? length : dimParam === undefined || dimParam === '' ? `d${axis}` : dimParam;
      });
      const element = typeName(type?.tensorType?.elemType ?? 0).toLowerCase();
      const elementType = tensorElementTypeSchema.safeParse({ float: 'float32', double: 'float64' }[element] ?? element);
      if (!elementType.success)
        throw cliError('bad-file', `${file}: "${name}" is no tensor of a type that can be a port`, { field: '--model' });
      return { name, elementType: elementType.data, shape };
    });
  return { inputs: ports(model.graph.input.filter(({ name }) => !constants.has(name))), outputs: ports(model.graph.output) };
}
