import { type OperatorName, type OperatorParams, operatorSignatures, type Reading } from '@starling/shared';
import type { OperatorContext } from '../../agent/src/core/pipelines/operators/index.ts';
import { operators } from '../../agent/src/core/pipelines/operators/index.ts';

export interface Values {
  data: Float32Array;
  shape: readonly number[];
}

/** Runs a model on its one input. */
export type RunModel = (input: Values) => Promise<Values & { elementType: 'float32' }>;

export interface LoopSettings {
  batchMaximum: number;
  /** Parameters of the pipeline's nodes, so that both sides do the same. */
  params: Record<'resize' | 'normalise' | 'read' | 'collect', unknown>;
}

/**
 * The rival of the graph: what a good programmer writes by hand for this one pipeline. The same calls with the same settings, with no
 * graph, queue, monitors or gate around them.
 */
export function createReadingLoop(
  models: { detect: RunModel; recognise: RunModel },
  context: OperatorContext,
  { batchMaximum, params }: LoopSettings,
): (image: Uint8Array) => Promise<Reading[]> {
  const decodeParams = paramsOf('image.decode', {});
  const resizeParams = paramsOf('image.resize', params.resize);
  const normaliseParams = paramsOf('image.to-tensor', params.normalise);
  const boxesParams = paramsOf('dbnet.decode', {});
  const lineParams = paramsOf('text-line.to-tensor', {});
  const readParams = paramsOf('ctc.decode', params.read);
  const collectParams = paramsOf('readings.collect', params.collect);

  /** Lines of one width share a run, at most `batchMaximum` of them. */
  const readLines = async (lines: readonly Values[]): Promise<unknown[]> => {
    const texts: unknown[] = new Array(lines.length);
    const byWidth = Map.groupBy(lines.keys(), (place) => lines[place]?.shape[3]);
    for (const places of byWidth.values()) {
      for (let from = 0; from < places.length; from += batchMaximum) {
        const batch = places.slice(from, from + batchMaximum);
        const output = await models.recognise(stack(batch.map((place) => lines[place] as Values)));
        const length = output.data.length / batch.length;
        for (const [row, place] of batch.entries()) {
          const data = output.data.subarray(row * length, (row + 1) * length);
          const probabilities = { ...output, shape: [1, ...output.shape.slice(1)], data };
          texts[place] = (await operators['ctc.decode']({ probabilities }, readParams, context)).text;
        }
      }
    }
    return texts;
  };
  return async (bytes) => {
    const { image } = await operators['image.decode']({ image: bytes }, decodeParams, context);
    const resized = await operators['image.resize']({ image }, resizeParams, context);
    const { tensor } = await operators['image.to-tensor'](resized, normaliseParams, context);
    const map = await models.detect(tensor as Values);
    const { boxes } = await operators['dbnet.decode']({ map, source: image }, boxesParams);
    const { images } = await operators['image.crop-quads']({ image, boxes });
    const lines = await Promise.all(
      (images as unknown[]).map((line) => operators['text-line.to-tensor']({ image: line }, lineParams, context)),
    );
    const texts = await readLines(lines.map((line) => line.tensor as Values));
    const { readings } = await operators['readings.collect']({ boxes, texts }, collectParams);
    return readings as Reading[];
  };
}

function stack(lines: readonly Values[]): Values {
  const [first] = lines as [Values];
  if (lines.length === 1) return first;
  const data = new Float32Array(first.data.length * lines.length);
  for (const [row, line] of lines.entries()) data.set(line.data, row * first.data.length);
  return { data, shape: [lines.length, ...first.shape.slice(1)] };
}

function paramsOf<Name extends OperatorName>(name: Name, given: unknown): OperatorParams<Name> {
  return operatorSignatures[name].params.parse(given) as OperatorParams<Name>;
}
