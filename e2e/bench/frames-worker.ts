import { parentPort, workerData } from 'node:worker_threads';
import { type OperatorName, type OperatorParams, operatorSignatures, type Reading } from '@starling/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OperatorContext } from '../../agent/src/core/pipelines/operators/index.ts';
import { operators } from '../../agent/src/core/pipelines/operators/index.ts';
import { readAsset } from '../../agent/src/node/engine/assets.ts';
import { createSharpCodec } from '../../agent/src/node/image-codec.ts';
import type { LoopFiles, LoopReply, LoopRequest } from './frames-messages.ts';

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

const decodeParams = paramsOf('image.decode', {});
const resizeParams = paramsOf('image.resize', files.params.resize);
const normaliseParams = paramsOf('image.to-tensor', files.params.normalise);
const boxesParams = paramsOf('dbnet.decode', {});
const lineParams = paramsOf('text-line.to-tensor', {});
const readParams = paramsOf('ctc.decode', files.params.read);
const collectParams = paramsOf('readings.collect', files.params.collect);

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

function paramsOf<Name extends OperatorName>(name: Name, given: unknown): OperatorParams<Name> {
  return operatorSignatures[name].params.parse(given) as OperatorParams<Name>;
}

interface Values {
  data: Float32Array;
  shape: readonly number[];
}

async function run(session: InferenceSession, { data, shape }: Values): Promise<Values & { elementType: 'float32' }> {
  const outputs = await session.run({ [session.inputNames[0] ?? '']: new Tensor('float32', data, shape) });
  const output = outputs[session.outputNames[0] ?? ''] as Tensor;
  return { elementType: 'float32', data: output.data as Float32Array, shape: output.dims };
}

async function readImage(bytes: Uint8Array): Promise<Reading[]> {
  const { image } = await operators['image.decode']({ image: bytes }, decodeParams, context);
  const resized = await operators['image.resize']({ image }, resizeParams, context);
  const { tensor } = await operators['image.to-tensor'](resized, normaliseParams, context);
  const map = await run(detection, tensor as Values);
  const { boxes } = await operators['dbnet.decode']({ map, source: image }, boxesParams);
  const { images } = await operators['image.crop-quads']({ image, boxes });
  const lines = await Promise.all(
    (images as unknown[]).map((line) => operators['text-line.to-tensor']({ image: line }, lineParams, context)),
  );
  const texts = await recognise(lines.map((line) => line.tensor as Values));
  const { readings } = await operators['readings.collect']({ boxes, texts }, collectParams);
  return readings as Reading[];
}

/** Lines of one width share a run, at most `batchMaximum` of them. */
async function recognise(lines: readonly Values[]): Promise<unknown[]> {
  const texts: unknown[] = new Array(lines.length);
  const byWidth = Map.groupBy(lines.keys(), (place) => lines[place]?.shape[3]);
  for (const places of byWidth.values()) {
    for (let from = 0; from < places.length; from += files.batchMaximum) {
      const batch = places.slice(from, from + files.batchMaximum);
      const [first] = batch.map((place) => lines[place] as Values);
      if (first === undefined) continue;
      const data = new Float32Array(first.data.length * batch.length);
      for (const [row, place] of batch.entries()) data.set((lines[place] as Values).data, row * first.data.length);
      const output = await run(recognition, { data, shape: [batch.length, ...first.shape.slice(1)] });
      const length = output.data.length / batch.length;
      for (const [row, place] of batch.entries()) {
        const probabilities = {
          ...output,
          shape: [1, ...output.shape.slice(1)],
          data: output.data.subarray(row * length, (row + 1) * length),
        };
        texts[place] = (await operators['ctc.decode']({ probabilities }, readParams, context)).text;
      }
    }
  }
  return texts;
}
