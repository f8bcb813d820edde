import { messageOf, StarlingError, type TensorElementType } from '@starling/shared';
import { z } from 'zod';
import type { Engine, EngineSession, Tensor, TensorData } from '../../core/ports/engine.ts';
import { type RepositoryEntry, removeFromRepository, writeToRepository } from './triton-repository.ts';

export interface OpenInferenceOptions {
  /** Base address, e.g. `http://127.0.0.1:8000`. */
  url: string;
  /** Folder that the server watches as its model repository, as this process sees it. */
  repository: string;
  /** Execution providers that the server has, best first. */
  providers: readonly string[];
  runTimeoutMs: number;
  /** Keeps models of one process apart from those of another. */
  owner: 'pipelines' | 'measuring';
}

/** Loading may compile a model for its hardware. */
const LOAD_TIMEOUT_MS = 300_000;
const CALL_TIMEOUT_MS = 10_000;
/** A server that starts or swaps models says "not ready" for a while. */
const READY_RETRIES = 40;
const READY_PAUSE_MS = 250;

/** Datatypes of the protocol, and how their bytes are read. */
const datatypes: Partial<Record<TensorElementType, { name: string; read: (bytes: ArrayBuffer) => TensorData }>> = {
  bool: { name: 'BOOL', read: (bytes) => new Uint8Array(bytes) },
  uint8: { name: 'UINT8', read: (bytes) => new Uint8Array(bytes) },
  uint16: { name: 'UINT16', read: (bytes) => new Uint16Array(bytes) },
  uint32: { name: 'UINT32', read: (bytes) => new Uint32Array(bytes) },
  uint64: { name: 'UINT64', read: (bytes) => new BigUint64Array(bytes) },
  int8: { name: 'INT8', read: (bytes) => new Int8Array(bytes) },
  int16: { name: 'INT16', read: (bytes) => new Int16Array(bytes) },
  int32: { name: 'INT32', read: (bytes) => new Int32Array(bytes) },
  int64: { name: 'INT64', read: (bytes) => new BigInt64Array(bytes) },
  float16: { name: 'FP16', read: (bytes) => new Uint16Array(bytes) },
  float32: { name: 'FP32', read: (bytes) => new Float32Array(bytes) },
  float64: { name: 'FP64', read: (bytes) => new Float64Array(bytes) },
};

const metadataSchema = z.object({
  inputs: z.array(z.object({ name: z.string() })),
  outputs: z.array(z.object({ name: z.string() })),
});
const inferHeaderSchema = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: z.string(),
      shape: z.array(z.number().int().nonnegative()),
      parameters: z.object({ binary_data_size: z.number().int().nonnegative().optional() }).optional(),
      data: z.array(z.unknown()).optional(),
    }),
  ),
});
const indexSchema = z.array(z.object({ name: z.string(), state: z.string().optional(), reason: z.string().optional() }));

/** Models in a server beside the agent, over the Open Inference Protocol (REST, binary tensors): Triton, OpenVINO model server. */
export function createOpenInference(options: OpenInferenceOptions): Engine {
  const http = createCaller(options.url);
  return {
    providers: options.providers,
    async open(location, settings) {
      const { ports, weights } = settings;
      const entry: RepositoryEntry = { owner: options.owner, location, weights, settings, ports };
      await http.waitUntil('v2/health/ready', 'the server is not ready');
      const name = await writeToRepository(options.repository, entry);
      try {
        await http.post(`v2/repository/models/${name}/load`, {}, LOAD_TIMEOUT_MS);
        await http.waitUntil(`v2/models/${name}/ready`, `model ${name} is not ready`);
      } catch (cause) {
        const reason = await whyNotLoaded(http, name);
        await removeFromRepository(options.repository, name);
        if (cause instanceof StarlingError && cause.code === 'engine-unreachable') throw cause;
        throw new StarlingError('load-failed', `${settings.provider}: ${reason ?? messageOf(cause)}`, { cause });
      }
      const { inputs, outputs } = metadataSchema.parse(await http.get(`v2/models/${name}`));
      return sessionOver({ name, provider: settings.provider, inputs, outputs }, http, options);
    },
    allocateFloat32: (length) => new Float32Array(length),
    close: async () => undefined,
  };
}

/** @returns name and version, as a verdict or a measurement is kept for */
export async function openInferenceVersion(url: string): Promise<string> {
  const { name, version } = z.object({ name: z.string(), version: z.string().default('') }).parse(await createCaller(url).get('v2'));
  return `open-inference ${name} ${version}`.trim().slice(0, 100);
}

function sessionOver(
  { name, provider, inputs, outputs }: { name: string; provider: string } & z.infer<typeof metadataSchema>,
  http: Caller,
  { repository, runTimeoutMs }: OpenInferenceOptions,
): EngineSession {
  return {
    provider,
    inputNames: inputs.map((port) => port.name),
    outputNames: outputs.map((port) => port.name),
    async run(feeds) {
      const { header, body } = encodeInfer(feeds);
      return decodeInfer(await http.infer(`v2/models/${name}/infer`, header, body, runTimeoutMs));
    },
    async close() {
      await http.post(`v2/repository/models/${name}/unload`, {}, CALL_TIMEOUT_MS).catch(() => undefined);
      await removeFromRepository(repository, name);
    },
  };
}

async function whyNotLoaded(http: Caller, name: string): Promise<string | undefined> {
  try {
    const index = indexSchema.parse(await http.post('v2/repository/index', {}, CALL_TIMEOUT_MS));
    const { reason } = index.find((model) => model.name === name) ?? {};
    return reason === '' ? undefined : reason;
  } catch {
    return undefined;
  }
}

/** JSON first, then the bytes of all tensors in their order. @throws StarlingError `unsupported-type` */
export function encodeInfer(feeds: Readonly<Record<string, Tensor>>): { header: Uint8Array; body: Uint8Array[] } {
  const body: Uint8Array[] = [];
  const inputs = Object.entries(feeds).map(([name, { elementType, shape, data }]) => {
    const datatype = datatypes[elementType];
    if (datatype === undefined) {
      throw new StarlingError('unsupported-type', `tensors of ${elementType} cannot be sent`, { field: name });
    }
    // A copy: what lies in shared memory cannot be sent, and may change meanwhile.
    body.push(new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
    return { name, shape, datatype: datatype.name, parameters: { binary_data_size: data.byteLength } };
  });
  const header = new TextEncoder().encode(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  return { header, body };
}

/** @throws StarlingError `malformed-answer` */
export function decodeInfer({ bytes, headerBytes }: { bytes: Uint8Array; headerBytes: number }): Record<string, Tensor> {
  const { outputs } = readHeader(bytes.subarray(0, headerBytes));
  const tensors: Record<string, Tensor> = {};
  let at = headerBytes;
  for (const { name, datatype, shape, parameters, data } of outputs) {
    const [elementType, known] = Object.entries(datatypes).find(([, each]) => each.name === datatype) ?? [];
    if (elementType === undefined || known === undefined) throw malformed(`output ${name} is of type ${datatype}`);
    const length = shape.reduce((product, side) => product * side, 1);
    const sizeBytes = parameters?.binary_data_size;
    if (sizeBytes === undefined) {
      tensors[name] = { elementType: elementType as TensorElementType, shape, data: fromJson(data ?? [], known.read, datatype) };
      continue;
    }
    if (at + sizeBytes > bytes.length) throw malformed(`output ${name} ends beyond the answer`);
    const values = known.read(bytes.slice(at, at + sizeBytes).buffer as ArrayBuffer);
    if (values.length !== length) throw malformed(`output ${name} has ${values.length} values for the shape [${shape.join()}]`);
    tensors[name] = { elementType: elementType as TensorElementType, shape, data: values };
    at += sizeBytes;
  }
  return tensors;
}

function readHeader(bytes: Uint8Array): z.infer<typeof inferHeaderSchema> {
  try {
    return inferHeaderSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw malformed(messageOf(cause));
  }
}

/** A server without the binary extension answers with nested or flat lists. */
function fromJson(data: readonly unknown[], read: (bytes: ArrayBuffer) => TensorData, datatype: string): TensorData {
  const flat = data.flat(Number.POSITIVE_INFINITY) as (number | boolean)[];
  if (datatype === 'FP16') throw malformed('half precision has no form in JSON');
  const empty = read(new ArrayBuffer(0));
  const values = read(new ArrayBuffer(flat.length * empty.BYTES_PER_ELEMENT));
  for (const [index, value] of flat.entries()) {
    if (values instanceof BigInt64Array || values instanceof BigUint64Array) values[index] = BigInt(value);
    else values[index] = Number(value);
  }
  return values;
}

function malformed(reason: string): StarlingError {
  return new StarlingError('malformed-answer', `the inference server answered nonsense: ${reason}`);
}

interface Caller {
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown, timeoutMs: number): Promise<unknown>;
  infer(
    path: string,
    header: Uint8Array,
    body: readonly Uint8Array[],
    timeoutMs: number,
  ): Promise<{ bytes: Uint8Array; headerBytes: number }>;
  /** Asks until the answer is good. @throws StarlingError `engine-not-ready` */
  waitUntil(path: string, otherwise: string): Promise<void>;
}

function createCaller(base: string): Caller {
  const call = async (path: string, request: RequestInit, timeoutMs: number): Promise<Response> => {
    const response = await fetch(new URL(path, base.endsWith('/') ? base : `${base}/`), {
      ...request,
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      if (cause instanceof DOMException && cause.name === 'TimeoutError')
        throw new StarlingError('timed-out', `the inference server has not answered within ${timeoutMs} ms`, { retryable: true, cause });
      throw new StarlingError('engine-unreachable', `the inference server at ${base} cannot be reached: ${messageOf(cause)}`, {
        field: 'engineUrl',
        hint: 'start it, or correct the address',
        retryable: true,
        cause,
      });
    });
    if (response.ok) return response;
    throw await refusalOf(response);
  };
  const readJson = async (response: Response): Promise<unknown> => {
    const text = await response.text();
    return text === '' ? {} : JSON.parse(text);
  };
  return {
    get: async (path) => readJson(await call(path, {}, CALL_TIMEOUT_MS)),
    async post(path, body, timeoutMs) {
      const headers = { 'content-type': 'application/json' };
      return readJson(await call(path, { method: 'POST', body: JSON.stringify(body), headers }, timeoutMs));
    },
    async infer(path, header, body, timeoutMs) {
      const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': `${header.length}` };
      const bytes = Buffer.concat([header, ...body]);
      const response = await retryNotReady(() => call(path, { method: 'POST', body: bytes, headers }, timeoutMs));
      const answer = new Uint8Array(await response.arrayBuffer());
      const length = response.headers.get('inference-header-content-length');
      const headerBytes = length === null ? answer.length : Number(length);
      if (!Number.isInteger(headerBytes) || headerBytes < 0 || headerBytes > answer.length) throw malformed(`a header of ${length} bytes`);
      return { bytes: answer, headerBytes };
    },
    async waitUntil(path, otherwise) {
      for (let attempt = 0; attempt < READY_RETRIES; attempt += 1) {
        const isReady = await call(path, {}, CALL_TIMEOUT_MS).then(
          () => true,
          (error: unknown) => {
            if (error instanceof StarlingError && error.code === 'engine-unreachable' && attempt > 3) throw error;
            return false;
          },
        );
        if (isReady) return;
        await sleep(READY_PAUSE_MS);
      }
      throw new StarlingError('engine-not-ready', otherwise, { retryable: true });
    },
  };
}

/** A model that is being loaded again is there in a moment. */
async function retryNotReady(work: () => Promise<Response>): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StarlingError) || error.code !== 'engine-not-ready' || attempt >= 8) throw error;
      await sleep(READY_PAUSE_MS);
    }
  }
}

/** Servers agree on little but the text: 400, 404, 503 and 500 as Triton gives them, "not ready" by its words. */
async function refusalOf(response: Response): Promise<StarlingError> {
  const text = await response.text().catch(() => '');
  const parsed = z.object({ error: z.string() }).safeParse(parseJson(text));
  const message = (parsed.data?.error ?? text).slice(0, 1000) || `status ${response.status}`;
  if (response.status === 503 || /not ready/i.test(message)) return new StarlingError('engine-not-ready', message, { retryable: true });
  if (response.status === 404) return new StarlingError('unknown-model', message);
  if (response.status === 400 || response.status === 422) return new StarlingError('invalid-input', message);
  return new StarlingError('inference-failed', message);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sleep(lengthMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lengthMs));
}
