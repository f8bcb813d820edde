import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SessionSettings, TensorElementType, TensorPort } from '@starling/shared';
import type { ModelPorts } from '../../core/ports/engine.ts';

/** A model as an inference server's repository has it. */
export interface RepositoryEntry {
  /** Who put it there: what is measured must not take away what runs. */
  owner: string;
  /** ONNX file. */
  location: string;
  /** The file of its weights, where they are apart: the ONNX file names it without a folder. */
  weights?: string | undefined;
  settings: SessionSettings;
  ports: ModelPorts | undefined;
}

/** Element types as Triton's model_config.proto names them. */
const typeNames: Record<TensorElementType, string> = {
  float32: 'TYPE_FP32',
  float16: 'TYPE_FP16',
  float64: 'TYPE_FP64',
  int8: 'TYPE_INT8',
  uint8: 'TYPE_UINT8',
  int16: 'TYPE_INT16',
  uint16: 'TYPE_UINT16',
  int32: 'TYPE_INT32',
  uint32: 'TYPE_UINT32',
  int64: 'TYPE_INT64',
  uint64: 'TYPE_UINT64',
  bool: 'TYPE_BOOL',
  string: 'TYPE_STRING',
};

/**
 * Puts a model beside others: `NAME/1/model.onnx` and `NAME/config.pbtxt`. The folder appears whole, for servers look into it at any time.
 * @returns the name, the same for the same owner, model and settings: what a crash left there is replaced
 */
export async function writeToRepository(repository: string, entry: RepositoryEntry): Promise<string> {
  const key = JSON.stringify([entry.owner, entry.location, entry.settings]);
  const name = `starling-${createHash('sha256').update(key).digest('hex').slice(0, 24)}`;
  const folder = join(repository, name);
  const made = join(repository, `.${name}.new`);
  await rm(made, { recursive: true, force: true });
  await mkdir(join(made, '1'), { recursive: true });
  const file = join(made, '1', 'model.onnx');
  // The same disk: no second copy of the weights.
  await linkOrCopy(entry.location, file);
  const { weights } = entry;
  if (weights !== undefined) await linkOrCopy(weights, join(made, '1', basename(weights)));
  await writeFile(join(made, 'config.pbtxt'), modelConfig(name, entry));
  await rm(folder, { recursive: true, force: true });
  await rename(made, folder);
  return name;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

export async function removeFromRepository(repository: string, name: string): Promise<void> {
  await rm(join(repository, name), { recursive: true, force: true });
}

/**
 * Triton's model configuration (protobuf text format). `max_batch_size: 0`: the first dimension belongs to the model, as in the ONNX file,
 * for the agent batches by itself.
 */
export function modelConfig(name: string, { settings, ports }: RepositoryEntry): string {
  const { provider, threads, executionMode } = settings;
  const onGpu = provider === 'tensorrt' || provider === 'cuda';
  return [
    `name: ${quoted(name)}`,
    'platform: "onnxruntime_onnx"',
    'max_batch_size: 0',
    ...(ports?.inputs ?? []).map((port) => portConfig('input', port)),
    ...(ports?.outputs ?? []).map((port) => portConfig('output', port)),
    `instance_group [ { count: 1 kind: ${onGpu ? 'KIND_GPU' : 'KIND_CPU'} } ]`,
    ...acceleratorConfig(provider),
    ...(threads > 0 ? [parameter('intra_op_thread_count', `${threads}`)] : []),
    ...(executionMode === 'parallel' ? [parameter('execution_mode', '1')] : []),
    '',
  ].join('\n');
}

/** TensorRT reads explicit quantisation (QDQ) by itself; half precision is allowed for what is left in float. */
function acceleratorConfig(provider: string): string[] {
  if (provider === 'tensorrt') {
    const precision = 'parameters { key: "precision_mode" value: "FP16" }';
    return [`optimization { execution_accelerators { gpu_execution_accelerator : [ { name : "tensorrt" ${precision} } ] } }`];
  }
  if (provider === 'openvino') return ['optimization { execution_accelerators { cpu_execution_accelerator : [ { name : "openvino" } ] } }'];
  return [];
}

function portConfig(kind: 'input' | 'output', { name, elementType, shape }: TensorPort): string {
  const dims = shape.map((side) => (typeof side === 'number' ? side : -1));
  // A scalar has no dimensions in ONNX, and at least one here.
  const reshape = dims.length === 0 ? ' reshape: { shape: [ ] }' : '';
  return `${kind} [ { name: ${quoted(name)} data_type: ${typeNames[elementType]} dims: [ ${dims.length === 0 ? '1' : dims.join(', ')} ]${reshape} } ]`;
}

function parameter(key: string, value: string): string {
  return `parameters { key: ${quoted(key)} value: { string_value: ${quoted(value)} } }`;
}

/** Text format strings escape as C does; names of tensors may hold anything. */
function quoted(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const escaped = bytes.map((byte) => {
    const letter = String.fromCharCode(byte);
    if (letter === '"' || letter === '\\') return `\\${letter}`;
    return byte >= 32 && byte < 127 ? letter : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
