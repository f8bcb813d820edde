import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OperatorContext } from '../../agent/src/core/pipelines/operators/index.ts';
import { readAsset } from '../../agent/src/node/engine/assets.ts';
import { createSharpCodec } from '../../agent/src/node/image-codec.ts';
import type { LoopFiles, LoopReply, LoopRequest } from './frames-messages.ts';
import { createReadingLoop, type Values } from './reading-loop.ts';

/**
 * The rival of the agent's runtime: what a good programmer writes by hand for this one pipeline. The same sharp and ONNX Runtime calls
 * with the same settings, in one thread, with no graph, queue, monitors, gate or other process around them.
 */
const files = workerData as LoopFiles;
const codec = createSharpCodec();
const dictionary = await readAsset(files.dictionary);
const context: OperatorContext = {
  codec,
  asset: async () => dictionary,
  allocateFloat32: (length) => new Float32Array(length),
};
const detection = await open(files.detection);
const recognition = await open(files.recognition);

const readImage = createReadingLoop(
  { detect: (input) => run(detection, input), recognise: (input) => run(recognition, input) },
  context,
  files,
);

parentPort?.on('message', ({ id, image }: LoopRequest) => {
  readImage(image).then((readings) => parentPort?.postMessage({ id, readings } satisfies LoopReply));
});
parentPort?.postMessage({ id: 0, readings: [] } satisfies LoopReply);

function open(path: string): Promise<InferenceSession> {
  return InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: files.threads,
    interOpNumThreads: 1,
    enableCpuMemArena: true,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
}

async function run(session: InferenceSession, { data, shape }: Values): Promise<Values & { elementType: 'float32' }> {
  const outputs = await session.run({ [session.inputNames[0] ?? '']: new Tensor('float32', data, shape) });
  const output = outputs[session.outputNames[0] ?? ''] as Tensor;
  return { elementType: 'float32', data: output.data as Float32Array, shape: output.dims };
}
