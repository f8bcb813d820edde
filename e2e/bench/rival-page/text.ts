/** Outputs of both models -> boxes and texts, with the agent's own functions: nobody writes these faster by hand. */
import { type OperatorName, type OperatorParams, operatorSignatures } from '@starling/shared';
import { type Box, type OperatorContext, operators, type Quad, type Text } from '../../../agent/src/core/pipelines/operators/index.ts';

export interface Values {
  data: Float32Array;
  shape: readonly number[];
}

export interface TextReader {
  boxesIn(map: Values, source: { width: number; height: number }): Promise<Quad[]>;
  /** @param probabilities of one line */
  textOf(probabilities: Values): Promise<Text>;
}

const DICTIONARY = { model: 'text-recognition', asset: 'dictionary' };

export function createTextReader(dictionary: Uint8Array): TextReader {
  const context = { asset: async () => dictionary } as unknown as OperatorContext;
  const boxParams = paramsOf('dbnet.decode', {});
  const readParams = paramsOf('ctc.decode', { dictionary: DICTIONARY });
  // Of the picture only its size is looked at, so that no pixels have to be copied for it.
  let blank = new Uint8Array();
  return {
    async boxesIn(map, { width, height }) {
      const bytes = 3 * width * height;
      if (blank.length !== bytes) blank = new Uint8Array(bytes);
      const source = { width, height, data: blank };
      const { boxes } = await operators['dbnet.decode']({ map: { elementType: 'float32', ...map }, source }, boxParams);
      return (boxes as Box[]).map(({ quad }) => quad);
    },
    async textOf(probabilities) {
      const { text } = await operators['ctc.decode']({ probabilities: { elementType: 'float32', ...probabilities } }, readParams, context);
      return text as Text;
    },
  };
}

function paramsOf<Name extends OperatorName>(name: Name, given: unknown): OperatorParams<Name> {
  return operatorSignatures[name].params.parse(given) as OperatorParams<Name>;
}
