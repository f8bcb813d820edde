import { type OperatorParams, type Reading, StarlingError } from '@starling/shared';
import type { OperatorContext } from './operator.ts';
import { boxesOf, float32Of, imageOf, type Text, textsOf } from './values.ts';

type Inputs = Readonly<Record<string, unknown>>;

/** Recognisers of PP-OCR take BGR in -1..1; padding is 0, the middle grey after normalisation. */
export async function textLineToTensor(inputs: Inputs, params: OperatorParams<'text-line.to-tensor'>, context: OperatorContext) {
  const image = imageOf(inputs, 'image');
  const natural = Math.max(1, Math.ceil((params.height * image.width) / image.height));
  const width = Math.min(params.maximumWidth, natural);
  const padded = Math.min(params.maximumWidth, Math.max(params.minimumWidth, Math.ceil(width / params.widthStep) * params.widthStep));
  const line = await context.codec.resize(image, width, params.height);
  const plane = params.height * padded;
  const data = context.allocateFloat32(3 * plane);
  for (let channel = 0; channel < 3; channel += 1) {
    const base = (2 - channel) * plane;
    for (let row = 0; row < params.height; row += 1) {
      let from = row * width * 3 + channel;
      let to = base + row * padded;
      for (let column = 0; column < width; column += 1, from += 3, to += 1) data[to] = (line.data[from] as number) / 127.5 - 1;
    }
  }
  return { tensor: { elementType: 'float32' as const, shape: [1, 3, params.height, padded], data } };
}

/** Parsed dictionaries by their bytes: parsing 6,600 lines for every text line would cost more than decoding it. */
const dictionaries = new WeakMap<Uint8Array, string[]>();

export async function ctcDecode(inputs: Inputs, params: OperatorParams<'ctc.decode'>, context: OperatorContext) {
  const probabilities = float32Of(inputs, 'probabilities', 3);
  const bytes = await context.asset(params.dictionary.model, params.dictionary.asset);
  let characters = dictionaries.get(bytes);
  if (characters === undefined) {
    characters = parseDictionary(bytes);
    dictionaries.set(bytes, characters);
  }
  const [, steps = 0, classes = 0] = probabilities.shape;
  const expected = characters.length + (params.spaceAtEnd ? 2 : 1);
  if (classes !== expected) {
    throw new StarlingError('dictionary-mismatch', `the model has ${classes} classes, the dictionary makes ${expected}`, {
      field: 'params.dictionary',
      hint: 'push the dictionary that the model was trained with',
    });
  }
  return { text: greedyDecode(probabilities.data, steps, classes, characters) };
}

export function parseDictionary(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/**
 * Greedy CTC (Graves et al. 2006, section 3.2.1): best class per step, repeats collapsed, blanks removed. Class 0 is the blank, class
 * i the i-th character, the class behind the last character a space.
 * @param data probabilities [steps, classes], row-major
 */
export function greedyDecode(data: Float32Array, steps: number, classes: number, characters: readonly string[]): Text {
  let text = '';
  let sum = 0;
  let count = 0;
  let previous = 0;
  for (let step = 0; step < steps; step += 1) {
    const row = step * classes;
    let best = 0;
    let probability = data[row] ?? 0;
    for (let index = 1; index < classes; index += 1) {
      const value = data[row + index] as number;
      if (value > probability) {
        best = index;
        probability = value;
      }
    }
    if (best !== 0 && best !== previous) {
      text += characters[best - 1] ?? ' ';
      sum += probability;
      count += 1;
    }
    previous = best;
  }
  return { text, confidence: count === 0 ? 0 : Math.min(1, Math.max(0, sum / count)) };
}

export async function collectReadings(inputs: Inputs, params: OperatorParams<'readings.collect'>) {
  const boxes = boxesOf(inputs, 'boxes');
  const texts = textsOf(inputs, 'texts');
  if (boxes.length !== texts.length) {
    throw new StarlingError('list-mismatch', `${boxes.length} boxes but ${texts.length} texts`, { field: 'texts' });
  }
  const readings: Reading[] = [];
  for (const [index, box] of boxes.entries()) {
    const { text, confidence } = texts[index] as Text;
    const trimmed = text.trim();
    if (confidence < params.minimumConfidence || trimmed.length < params.minimumLength) continue;
    readings.push({ quad: box.quad, text: trimmed, confidence, score: box.score });
  }
  return { readings };
}
