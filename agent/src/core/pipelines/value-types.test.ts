import { parsePortType } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { valueMismatch } from './value-types.ts';

const quad = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
];
const detection = { box: [0, 0, 1, 1], score: 1, class: 0 };
const tensor = (elementType: string, shape: number[], data: ArrayBufferView) => ({ elementType, shape, data });

describe('a value held against the type of a port', () => {
  test.each([
    ['any', undefined],
    ['json', [1, { a: null }]],
    ['text', { text: 'a', confidence: 0.5 }],
    ['boxes', [{ quad, score: 1 }]],
    ['detections', [{ ...detection, track: 3 }]],
    ['list<text>', []],
    ['list<list<json>>', [[1], []]],
    ['encoded-image', Uint8Array.of(1)],
    ['image', { width: 2, height: 1, data: new Uint8Array(6) }],
    ['audio', { sampleRateHz: 16_000, channels: 2, samples: new Float32Array(4) }],
    ['tensor<float32,[2,n]>', tensor('float32', [2, 3], new Float32Array(6))],
    ['tensor<float16,[1]>', tensor('float16', [1], new Uint16Array(1))],
    ['tensor<int64,[]>', tensor('int64', [], new BigInt64Array(1))],
    ['tensor<bool,[n]>', tensor('bool', [0], new Uint8Array(0))],
  ])('fits %s', (type, value) => {
    expect(valueMismatch(value, parsePortType(type))).toBeUndefined();
  });

  test.each([
    ['json', new Float32Array(1), 'a Float32Array of 4 bytes'],
    ['json', { data: new Float32Array(1) }, 'an object with data'],
    ['text', 'words', 'string "words"'],
    ['text', { text: 1, confidence: 1 }, 'wrong text'],
    ['boxes', [{ quad: [[0, 0]], score: 1 }], '0.quad'],
    ['detections', [{ ...detection, class: 0.5 }], '0.class'],
    ['list<text>', [{ text: 'a', confidence: 1 }, 5], 'number 5 at 1'],
    ['list<json>', { length: 1 }, 'an object with length'],
    ['encoded-image', null, 'null'],
    ['image', { width: 2, height: 2, data: new Uint8Array(4) }, '4 bytes instead of 12'],
    ['image', { width: 0, height: 2, data: new Uint8Array(0) }, 'an object with width, height, data'],
    ['audio', { sampleRateHz: 16_000, channels: 2, samples: new Float32Array(3) }, '3 samples'],
    ['tensor<float32,[2]>', tensor('float32', [3], new Float32Array(3)), 'tensor<float32,[3]>'],
    ['tensor<float32,[2]>', tensor('float32', [2, 1], new Float32Array(2)), 'tensor<float32,[2,1]>'],
    ['tensor<float32,[2]>', tensor('float32', [2], new Float64Array(2)), 'in a Float64Array'],
    ['tensor<int8,[n]>', tensor('int8', [2], new Int8Array(3)), '3 elements instead of 2'],
    ['tensor<int8,[n]>', tensor('int8', [-1], new Int8Array(1)), 'shape [-1]'],
    ['tensor<int8,[n]>', [1], 'a list of 1'],
    ['tensor<string,[n]>', tensor('string', [1], new Uint8Array(1)), 'in a Uint8Array'],
  ])('what does not fit %s is told: %#', (type, value, said) => {
    expect(valueMismatch(value, parsePortType(type))).toContain(said);
  });
});
