import { describe, expect, it } from 'vitest';
import { parsePortType } from '../port-types.ts';
import type { OperatorSignature } from '../signature.ts';
import { tensorOperators } from './tensor.ts';

type Name = keyof typeof tensorOperators;

const parse = (name: Name, params: object) => (tensorOperators[name] as OperatorSignature).params.safeParse(params);
const outputsOf = (name: Name, params: object): Readonly<Record<string, string>> | undefined => {
  const parsed = parse(name, params);
  if (!parsed.success) throw parsed.error;
  return (tensorOperators[name] as OperatorSignature).ports?.(parsed.data as never).outputs;
};
const problemsOf = (name: Name, params: object): string[] => parse(name, params).error?.issues.map(({ path }) => path.join('.')) ?? [];

const type = 'tensor<float32,[1,84,n]>';

describe('what a tensor operator gives', () => {
  it.each<[Name, object, Record<string, string>]>([
    ['tensor.slice', { type, ranges: [{ axis: 1, end: 4 }] }, { tensor: 'tensor<float32,[1,4,n]>' }],
    ['tensor.slice', { type, ranges: [{ axis: 1, start: -80, step: 3 }] }, { tensor: 'tensor<float32,[1,27,n]>' }],
    [
      'tensor.slice',
      {
        type,
        ranges: [
          { axis: 0, index: 0 },
          { axis: -1, end: 10 },
        ],
      },
      { tensor: 'tensor<float32,[84,n_part]>' },
    ],
    ['tensor.reshape', { type: 'tensor<int64,[2,6]>', shape: [3, -1] }, { tensor: 'tensor<int64,[3,4]>' }],
    ['tensor.reshape', { type, shape: [84, -1] }, { tensor: 'tensor<float32,[84,rest]>' }],
    ['tensor.transpose', { type, order: [0, 2, 1] }, { tensor: 'tensor<float32,[1,n,84]>' }],
    ['tensor.concat', { types: ['tensor<int8,[1,a]>', 'tensor<int8,[1,3]>'], axis: 0 }, { tensor: 'tensor<int8,[2,3]>' }],
    ['tensor.concat', { types: ['tensor<int8,[1,a]>', 'tensor<int8,[1,3]>'], axis: 1 }, { tensor: 'tensor<int8,[1,joined]>' }],
    ['tensor.softmax', { type }, { tensor: type }],
    ['tensor.top-k', { type, axis: 1, k: 100 }, { values: 'tensor<float32,[1,84,n]>', indices: 'tensor<int64,[1,84,n]>' }],
    ['tensor.top-k', { type, k: 5 }, { values: 'tensor<float32,[1,84,n_top]>', indices: 'tensor<int64,[1,84,n_top]>' }],
    ['tensor.argmax', { type, axis: 1 }, { indices: 'tensor<int64,[1,n]>' }],
    ['tensor.argmax', { type, axis: 1, keepAxis: true }, { indices: 'tensor<int64,[1,1,n]>' }],
    ['tensor.threshold', { type, threshold: 0.5 }, { tensor: 'tensor<bool,[1,84,n]>' }],
    ['tensor.threshold', { type, threshold: 0.5, give: 'values' }, { tensor: type }],
    ['tensor.cast', { type, to: 'int32' }, { tensor: 'tensor<int32,[1,84,n]>' }],
    ['tensor.normalise', { type: 'tensor<uint8,[1,3,h,w]>' }, { tensor: 'tensor<float32,[1,3,h,w]>' }],
    ['tensor.normalise', { type: 'tensor<float16,[c]>' }, { tensor: 'tensor<float16,[c]>' }],
    ['tensor.to-json', { type }, { json: 'json' }],
    ['tensor.constant', { type: 'tensor<int64,[2]>', values: [1] }, { tensor: 'tensor<int64,[2]>' }],
  ])('%s %j', (name, params, expected) => {
    const outputs = outputsOf(name, params);
    expect(outputs).toEqual(expected);
    for (const text of Object.values(outputs ?? {})) expect(() => parsePortType(text)).not.toThrow();
  });
});

describe('parameters that cannot be', () => {
  it.each<[string, Name, object, string[]]>([
    ['no tensor', 'tensor.softmax', { type: 'image' }, ['type']],
    ['no type at all', 'tensor.softmax', { type: 'tensor<float33,[1]>', axis: 7 }, ['type']],
    ['strings', 'tensor.argmax', { type: 'tensor<string,[1]>' }, ['type']],
    ['too many dimensions', 'tensor.argmax', { type: 'tensor<int8,[a,b,c,d,e,f,g,h,i]>' }, ['type']],
    ['too many elements', 'tensor.constant', { type: 'tensor<int8,[100000,100000]>', values: [0] }, ['type']],
    ['softmax of whole numbers', 'tensor.softmax', { type: 'tensor<int8,[4]>' }, ['type']],
    ['an axis that is not there', 'tensor.top-k', { type, axis: 3, k: 1 }, ['axis']],
    ['an axis twice', 'tensor.slice', { type, ranges: [{ axis: 2 }, { axis: -1 }] }, ['ranges.1.axis']],
    ['a range of nothing', 'tensor.slice', { type, ranges: [{ axis: 1, start: 84 }] }, ['ranges.0']],
    ['an index beyond', 'tensor.slice', { type, ranges: [{ axis: 1, index: -85 }] }, ['ranges.0.index']],
    ['an index and a range', 'tensor.slice', { type, ranges: [{ axis: 1, index: 0, end: 3 }] }, ['ranges.0.index']],
    ['an uneven shape', 'tensor.reshape', { type: 'tensor<int8,[7]>', shape: [2, -1] }, ['shape']],
    ['two left over', 'tensor.reshape', { type, shape: [-1, -1] }, ['shape']],
    ['an axis left out', 'tensor.transpose', { type, order: [0, 1] }, ['order']],
    ['two element types', 'tensor.concat', { types: [type, 'tensor<int8,[1,84,n]>'], axis: 1 }, ['types.1']],
    ['two ranks', 'tensor.concat', { types: [type, 'tensor<float32,[1,84]>'], axis: 1 }, ['types.1']],
    ['lengths that differ', 'tensor.concat', { types: [type, 'tensor<float32,[2,84,n]>'], axis: 1 }, ['types.1']],
    ['too few means', 'tensor.normalise', { type: 'tensor<uint8,[1,3,h,w]>', mean: [1, 2] }, ['mean']],
    ['a free length', 'tensor.constant', { type: 'tensor<int8,[n]>', values: [0] }, ['type']],
    ['too few values', 'tensor.constant', { type: 'tensor<int8,[3]>', values: [1, 2] }, ['values']],
    ['a value beyond its type', 'tensor.constant', { type: 'tensor<uint8,[2]>', values: [1, 256] }, ['values.1']],
    ['a fraction of a whole', 'tensor.constant', { type: 'tensor<int64,[1]>', values: [1.5] }, ['values.0']],
    ['a number as a bool', 'tensor.constant', { type: 'tensor<bool,[1]>', values: [1] }, ['values.0']],
  ])('%s', (_what, name, params, fields) => {
    expect(problemsOf(name, params)).toEqual(fields);
  });
});
