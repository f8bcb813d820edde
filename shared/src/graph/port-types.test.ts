import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tensorElementTypeSchema } from '../documents/model-version.ts';
import { formatPortType, mismatchOf, type PortType, parsePortType } from './port-types.ts';

const dimension = fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,10}$/));
const tensor: fc.Arbitrary<PortType> = fc.record({
  kind: fc.constant('tensor' as const),
  elementType: fc.constantFrom(...tensorElementTypeSchema.options),
  shape: fc.array(dimension, { maxLength: 6 }),
});
const simple: fc.Arbitrary<PortType> = fc
  .constantFrom('encoded-image' as const, 'image' as const, 'boxes' as const, 'text' as const, 'json' as const)
  .map((kind) => ({ kind }));
const portType = fc.letrec<{ type: PortType }>((tie) => ({
  type: fc.oneof({ depthSize: 'small' }, simple, tensor, fc.record({ kind: fc.constant('list' as const), item: tie('type') })),
})).type;

describe('a port type', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(portType, (type) => {
        expect(parsePortType(formatPortType(type))).toEqual(type);
      }),
    );
  });

  test('fits itself, whatever it is, and a sink for anything', () => {
    fc.assert(
      fc.property(portType, (type) => {
        expect(mismatchOf(type, type)).toBeUndefined();
        expect(mismatchOf(type, { kind: 'any' })).toBeUndefined();
      }),
    );
  });

  test('does not care for spaces', () => {
    expect(parsePortType(' tensor< float32 , [1, 3 ,h] > ')).toEqual({ kind: 'tensor', elementType: 'float32', shape: [1, 3, 'h'] });
  });

  const bad = ['', 'picture', 'list<>', 'list<image', 'tensor', 'tensor<float32>', 'tensor<float33,[1]>', 'tensor<float32,[0]>'];
  test.each([...bad, 'tensor<float32,[-1]>', 'tensor<float32,[1,]>', 'tensor<float32,[1.5]>', 'image>', 'constructor'])(
    'is not %j',
    (text) => {
      expect(() => parsePortType(text)).toThrowError(expect.objectContaining({ code: 'invalid-port-type' }));
    },
  );

  test('of any text is a type or a code, never another error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `list<${text}>`),
          fc.string().map((text) => `tensor<float32,[${text}]>`),
        ),
        (text) => {
          try {
            parsePortType(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid-port-type' });
          }
        },
      ),
    );
  });
});

describe('a value', () => {
  test.each([
    ['tensor<float32,[1,3,h,w]>', 'tensor<float32,[1,3,640,640]>', true],
    ['tensor<float32,[1,3,640,640]>', 'tensor<float32,[n,c,h,w]>', true],
    ['tensor<float32,[1,3,640,640]>', 'tensor<float32,[1,1,640,640]>', false],
    ['tensor<float32,[1,3]>', 'tensor<float16,[1,3]>', false],
    ['tensor<float32,[1,3]>', 'tensor<float32,[1,3,1]>', false],
    ['list<image>', 'image', false],
    ['image', 'list<image>', false],
    ['list<tensor<float32,[1]>>', 'list<tensor<float32,[2]>>', false],
    ['encoded-image', 'image', false],
    ['text', 'any', true],
  ])('of %s into %s: %s', (from, to, fits) => {
    expect(mismatchOf(parsePortType(from), parsePortType(to)) === undefined).toBe(fits);
  });
});
