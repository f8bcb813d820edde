import { parentPort } from 'node:worker_threads';
import type { SessionSettings, TensorPort } from '@starling/shared';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { openOptimised } from './optimised-model.ts';
import type { SessionReply, SessionRequest } from './session-messages.ts';
import { collectHere, createSharedMemoryWatch } from './shared-memory.ts';

/**
 * One loaded model in its own thread. `session.run()` blocks its thread for the whole inference, so no session may live where
 * timers, sockets or other models need the thread.
 */
// What fails is thrown, and reported in words. Printed as well, each provider that a machine lacks would be a red error in its log.
env.logLevel = 'fatal';
let session: InferenceSession | undefined;
const passed = createSharedMemoryWatch(collectHere);

parentPort?.on('message', (request: SessionRequest) => {
  handle(request).then(
    (reply) => parentPort?.postMessage(reply, transferablesOf(reply)),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      parentPort?.postMessage({ id: request.id, type: 'failed', message } satisfies SessionReply);
    },
  );
});

async function handle(request: SessionRequest): Promise<SessionReply> {
  if (request.type === 'open') {
    const { unoptimised } = request;
    const options = { ...sessionOptions(request.settings), ...(unoptimised ? { graphOptimizationLevel: 'disabled' as const } : {}) };
    const { cache } = request;
    // Other providers take whole parts of a graph: what they made of it cannot be written down.
    const isKept = cache !== undefined && !unoptimised && request.settings.provider === 'cpu';
    session = isKept ? await openOptimised(request.location, options, cache) : await InferenceSession.create(request.location, options);
    const { inputNames, outputNames, inputMetadata } = session;
    return {
      id: request.id,
      type: 'opened',
      inputNames: [...inputNames],
      outputNames: [...outputNames],
      inputs: inputMetadata.flatMap(portOf),
    };
  }
  if (session === undefined) return { id: request.id, type: 'failed', message: 'the session is not open' };
  const feeds = Object.fromEntries(
    Object.entries(request.inputs).map(([name, tensor]) => [
      name,
      new Tensor(tensor.elementType as 'float32', tensor.data as Float32Array, tensor.shape),
    ]),
  );
  const outputs = await session.run(feeds);
  for (const { data } of Object.values(request.inputs)) passed(data.byteLength);
  return {
    id: request.id,
    type: 'ran',
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, output]) => [
        name,
        { elementType: output.type as 'float32', shape: [...output.dims], data: plainData(output.data) },
      ]),
    ),
  };
}

/** Inputs of another kind, such as sequences, are no ports. */
function portOf(input: InferenceSession.ValueMetadata): TensorPort[] {
  if (!input.isTensor) return [];
  const { name, type, shape } = input;
  const sides = shape.map((side, axis) =>
    typeof side === 'number' && side > 0 ? side : typeof side === 'string' && side !== '' ? side : `d${axis}`,
  );
  return [{ name, elementType: type as TensorPort['elementType'], shape: sides }];
}

function sessionOptions({ provider, threads, spinning, arena, executionMode }: SessionSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: executionMode === 'parallel' ? threads : 1,
    executionMode,
    enableCpuMemArena: arena,
    extra: { session: { intra_op: { allow_spinning: spinning ? '1' : '0' } } },
  };
}

/** Half precision travels as its bits: not every runtime has numbers of that size. */
function plainData(data: Tensor['data']): Float32Array {
  const isHalf = data instanceof Float16Array;
  return (isHalf ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data) as Float32Array;
}

/** Outputs move to the other thread without a copy. */
function transferablesOf(reply: SessionReply): ArrayBuffer[] {
  if (reply.type !== 'ran') return [];
  const buffers = Object.values(reply.outputs).map((tensor) => tensor.data.buffer);
  return [...new Set(buffers.filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer))];
}
