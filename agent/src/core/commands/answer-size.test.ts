import { jsonEncode } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { RESULT_BYTES_MAXIMUM, requireAnswerSize } from './answer-size.ts';

/** The answer of a pipeline that gives the tensors of its model as they are. */
const faces = (count: number) => ({
  outputs: { scores: { data: new Float32Array(count).fill(0.25) }, boxes: { data: new Float32Array(2 * count).fill(0.25) } },
});

describe('an answer', () => {
  test('that has room passes, up to the last byte', () => {
    const around = jsonEncode({ lines: [''] }).length;
    const exact = { lines: ['x'.repeat(RESULT_BYTES_MAXIMUM - around)] };
    expect(() => requireAnswerSize(exact)).not.toThrow();
    expect(() => requireAnswerSize({ lines: [`${exact.lines[0]}x`] })).toThrowError(
      expect.objectContaining({ code: 'result-too-large', message: expect.stringContaining(`${RESULT_BYTES_MAXIMUM + 1} bytes`) }),
    );
    expect(() => requireAnswerSize(faces(100))).not.toThrow();
  });

  test('that has none says how large it is, what fits, which output takes the room, and the fix', () => {
    const result = faces(8_840);
    const size = (value: unknown): number => jsonEncode(value).length;
    const { boxes, scores } = result.outputs;
    expect(() => requireAnswerSize(result)).toThrowError(
      expect.objectContaining({
        code: 'result-too-large',
        field: 'outputs.boxes',
        message: `the result takes ${size(result)} bytes, an answer has room for ${RESULT_BYTES_MAXIMUM}: boxes ${size(boxes)} bytes, scores ${size(scores)} bytes`,
        hint: expect.stringMatching(/decode tensors on the device \(.*classes\.top, .*ctc\.decode.*\).*fewer or smaller outputs/),
      }),
    );
  });

  test('with very many outputs names the largest alone', () => {
    const outputs = Object.fromEntries(Array.from({ length: 500 }, (_, place) => [`output-${place}`, 'x'.repeat(1_000 + place)]));
    expect(() => requireAnswerSize({ outputs })).toThrowError(
      expect.objectContaining({ field: 'outputs.output-499', message: expect.stringMatching(/, and 495 more$/) }),
    );
  });
});
