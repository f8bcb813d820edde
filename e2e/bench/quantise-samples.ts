import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OperatorName, type OperatorParams, operatorSignatures } from '@starling/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type OperatorContext, operators } from '../../agent/src/core/pipelines/operators/index.ts';
import { createSharpCodec } from '../../agent/src/node/image-codec.ts';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { type DigitPart, readDigits, SIDE } from '../digits/index.ts';
import { writeScenes } from '../scenes/index.ts';

export interface Samples {
  /** Inputs of the detection model. */
  pictures: Tensor[];
  /** Inputs of the recognition model. */
  lines: Tensor[];
}

const context: OperatorContext = {
  codec: createSharpCodec(),
  asset: async () => new Uint8Array(),
  allocateFloat32: (length) => new Float32Array(length),
};

function paramsOf<Name extends OperatorName>(name: Name, given: unknown): OperatorParams<Name> {
  return operatorSignatures[name].params.parse(given ?? {}) as OperatorParams<Name>;
}

function tensorOf(value: unknown): Tensor {
  const { data, shape } = value as { data: Float32Array; shape: readonly number[] };
  return new Tensor('float32', data, shape);
}

/** What the models of the demo pipeline get to see of painted scenes. */
export async function prepareSamples(folder: string, count: number, seed: number): Promise<Samples> {
  const { scenes } = await writeScenes({ folder, count, seed });
  const detector = await InferenceSession.create(demoModels[0]?.file ?? '', { logSeverityLevel: 3 });
  const samples: Samples = { pictures: [], lines: [] };
  const { resize, normalise } = readSigns.nodes as Record<string, { params?: unknown }>;
  for (const { file } of scenes) {
    const { image } = await operators['image.decode']({ image: await readFile(join(folder, file)) }, paramsOf('image.decode', {}), context);
    const resized = await operators['image.resize']({ image }, paramsOf('image.resize', resize?.params), context);
    const { tensor } = await operators['image.to-tensor'](resized, paramsOf('image.to-tensor', normalise?.params), context);
    const picture = tensorOf(tensor);
    samples.pictures.push(picture);
    const output = (await detector.run({ [detector.inputNames[0] ?? '']: picture }))[detector.outputNames[0] ?? ''] as Tensor;
    const map = { elementType: 'float32', data: output.data as Float32Array, shape: output.dims };
    const { boxes } = await operators['dbnet.decode']({ map, source: image }, paramsOf('dbnet.decode', {}));
    const { images } = await operators['image.crop-quads']({ image, boxes });
    for (const each of images as unknown[]) {
      const line = await operators['text-line.to-tensor']({ image: each }, paramsOf('text-line.to-tensor', {}), context);
      samples.lines.push(tensorOf(line.tensor));
    }
  }
  await detector.release();
  return samples;
}

/** Inputs of the digit classifier: the first so many of a part. */
export async function digitInputs(count: number, part: DigitPart = 'held-out'): Promise<Tensor[]> {
  const digits = (await readDigits())[part];
  return digits.slice(0, count).map(({ pixels }) => {
    const values = Float32Array.from(pixels, (value) => value / 255);
    return new Tensor('float32', values, [1, 1, SIDE, SIDE]);
  });
}
