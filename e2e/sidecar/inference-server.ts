/** A model repository folder -> a small Open Inference Protocol server (REST, binary tensors) that runs its models with ONNX Runtime. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface InferenceServer {
  url: string;
  /** Requests so far, as `METHOD path`. */
  requests: string[];
  /** The next so many inferences are answered with "not ready". */
  refuseInferences(count: number): void;
  /** The text of the configuration with which a model was loaded. */
  configs: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

interface WireTensor {
  name: string;
  shape: number[];
  datatype: string;
  parameters?: { binary_data_size?: number };
}

/** Datatype of the protocol -> type of the engine, and its bytes as values. */
const types: Record<string, { type: string; read: (bytes: ArrayBuffer) => unknown }> = {
  FP32: { type: 'float32', read: (bytes) => new Float32Array(bytes) },
  FP16: { type: 'float16', read: (bytes) => new Uint16Array(bytes) },
  INT64: { type: 'int64', read: (bytes) => new BigInt64Array(bytes) },
  UINT8: { type: 'uint8', read: (bytes) => new Uint8Array(bytes) },
  BOOL: { type: 'bool', read: (bytes) => new Uint8Array(bytes) },
};

class Refusal extends Error {
  status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function startInferenceServer(repository: string): Promise<InferenceServer> {
  const sessions = new Map<string, InferenceSession>();
  const configs = new Map<string, string>();
  const failures = new Map<string, string>();
  const requests: string[] = [];
  let refusals = 0;

  const load = async (name: string): Promise<void> => {
    try {
      configs.set(name, await readFile(join(repository, name, 'config.pbtxt'), 'utf8'));
      sessions.set(name, await InferenceSession.create(join(repository, name, '1', 'model.onnx'), { logSeverityLevel: 4 }));
      failures.delete(name);
    } catch (cause) {
      failures.set(name, cause instanceof Error ? cause.message : String(cause));
      throw new Refusal(400, `failed to load '${name}', failed to poll from model repository`);
    }
  };
  const find = (name: string): InferenceSession => {
    const session = sessions.get(name);
    if (session === undefined) throw new Refusal(404, `Request for unknown model: '${name}' is not found`);
    return session;
  };
  const portsOf = (metadata: InferenceSession['inputMetadata']) =>
    metadata.map((port) => ({
      name: port.name,
      datatype: port.isTensor ? (Object.entries(types).find(([, each]) => each.type === port.type)?.[0] ?? 'FP32') : 'BYTES',
      shape: port.isTensor ? port.shape.map((side) => (typeof side === 'number' ? side : -1)) : [],
    }));
  const infer = async (name: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const session = find(name);
    const body = await readBody(request);
    if (refusals > 0) {
      refusals -= 1;
      throw new Refusal(503, `Model with name ${name} is not ready.`);
    }
    const headerBytes = Number(request.headers['inference-header-content-length']);
    const { inputs } = JSON.parse(body.subarray(0, headerBytes).toString()) as { inputs: WireTensor[] };
    const feeds: Record<string, Tensor> = {};
    let at = headerBytes;
    for (const { name: input, shape, datatype, parameters } of inputs) {
      const known = types[datatype];
      if (known === undefined) throw new Refusal(400, `datatype ${datatype} is not known`);
      const end = at + (parameters?.binary_data_size ?? 0);
      const bytes = new Uint8Array(body.subarray(at, end)).buffer;
      feeds[input] = new Tensor(known.type as 'float32', known.read(bytes) as Float32Array, shape);
      at = end;
    }
    if (at !== body.length) throw new Refusal(400, `unexpected additional input data for model '${name}'`);
    const missing = session.inputNames.filter((input) => !(input in feeds));
    if (missing.length > 0) throw new Refusal(400, `missing required input(s) ${JSON.stringify(missing)} for model '${name}'`);
    const results = Object.entries(await session.run(feeds)).map(([output, tensor]) => {
      const { buffer, byteOffset, byteLength } = tensor.data as Float32Array;
      const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
      const datatype = Object.entries(types).find(([, each]) => each.type === tensor.type)?.[0];
      return { bytes, tensor: { name: output, datatype, shape: tensor.dims, parameters: { binary_data_size: byteLength } } };
    });
    const header = Buffer.from(JSON.stringify({ model_name: name, outputs: results.map(({ tensor }) => tensor) }));
    response.setHeader('inference-header-content-length', header.length);
    response.setHeader('content-type', 'application/octet-stream');
    response.end(Buffer.concat([header, ...results.map(({ bytes }) => bytes)]));
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    requests.push(`${request.method} ${path}`);
    const json = (value: unknown): void => void response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    const [, model = '', action = ''] = /^\/v2\/models\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const [, stored = '', change = ''] = /^\/v2\/repository\/models\/([^/]+)\/(load|unload)$/.exec(path) ?? [];
    if (path === '/v2') return json({ name: 'test-server', version: '1.2.3', extensions: ['binary_tensor_data', 'model_repository'] });
    if (path === '/v2/health/ready') return void response.end();
    if (path === '/v2/repository/index') {
      const states = [...sessions.keys()].map((name) => ({ name, state: 'READY', reason: '' }));
      return json([...states, ...[...failures].map(([name, reason]) => ({ name, state: 'UNAVAILABLE', reason }))]);
    }
    if (change === 'load') return load(stored).then(() => void response.end());
    if (change === 'unload') {
      await sessions.get(stored)?.release();
      sessions.delete(stored);
      return void response.end();
    }
    if (model !== '' && action === 'ready' && find(model) !== undefined) return void response.end();
    if (model !== '' && action === 'infer') return infer(model, request, response);
    if (model !== '' && action === '') {
      const session = find(model);
      return json({
        name: model,
        platform: 'onnxruntime_onnx',
        inputs: portsOf(session.inputMetadata),
        outputs: portsOf(session.outputMetadata),
      });
    }
    throw new Refusal(404, 'Not Found');
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.statusCode = error instanceof Refusal ? error.status : 500;
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    ...{ requests, configs },
    refuseInferences(count) {
      refusals = count;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([...sessions.values()].map((session) => session.release()));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
