import { isStarlingError } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DataTypeName, layoutOf, pack, type TypedArray, unpack } from './element-types.ts';
import { computedPayload } from './payload.ts';
import { type TensorProto, tensorDataType, tensorType, toBigInt } from './proto.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from './small-floats.ts';
import { bytesOf, floatsOf, integersOf, makeTensor, setPayload, tensorBytes, textsOf, valuesOf } from './tensor.ts';

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
    return undefined;
  } catch (error) {
    return isStarlingError(error) ? error.code : `not a StarlingError: ${String(error)}`;
  }
};

/** Through protobuf and back, as a file does. */
const throughFile = (tensor: TensorProto): TensorProto =>
  tensorType.decode(tensorType.encode(tensor as never).finish()) as unknown as TensorProto;

const numericTypes = (Object.keys(tensorDataType) as DataTypeName[]).filter((type) => type !== 'undefined' && type !== 'string');

/** Values that one element of a type may have, as `valuesOf` gives them. */
function elementsOf(type: DataTypeName): fc.Arbitrary<TypedArray> {
  const { array, bits, signed } = layoutOf(tensorDataType[type]);
  const width = bits === 128 || type === 'complex64' ? 2 : 1;
  const lengths = fc.integer({ min: 0, max: 17 });
  return lengths.chain((length) => {
    if (bits < 8) {
      const [min, max] = signed === true ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
      const values = fc.array(fc.integer({ min, max }), { minLength: length, maxLength: length });
      return values.map((each) => (signed === true ? Int8Array.from(each) : Uint8Array.from(each)));
    }
    const size = length * width * array.BYTES_PER_ELEMENT;
    return fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => new array(Uint8Array.from(bytes).buffer));
  });
}

describe.each(numericTypes)('tensors of %s', (type) => {
  test('keep their values through a file', () => {
    fc.assert(
      fc.property(elementsOf(type), (values) => {
        const elements = type.startsWith('complex') ? values.length / 2 : values.length;
        const tensor = throughFile(makeTensor('t', type, [elements], values));
        expect(bytesOf(valuesOf(tensor))).toEqual(bytesOf(values));
      }),
      { numRuns: 30 },
    );
  });

  test('are the same bytes in the field of their type as in raw data', () => {
    fc.assert(
      fc.property(elementsOf(type), (values) => {
        const elements = type.startsWith('complex') ? values.length / 2 : values.length;
        const dense = makeTensor('t', type, [elements], values);
        const { field, bits } = layoutOf(dense.dataType);
        const raw = dense.rawData ?? new Uint8Array();
        const list = bits < 8 && bits !== 6 ? [...raw] : [...(values as Iterable<number | bigint>)];
        const integers = list.map((value) => (typeof value === 'bigint' ? longOf(value) : value));
        const typed = throughFile({ name: 't', dims: [elements], dataType: dense.dataType, [field]: integers } as TensorProto);
        // NaN has many bits, and a number in between keeps but one of them.
        if (list.every((value) => !Number.isNaN(value))) expect(tensorBytes(typed)).toEqual(raw);
      }),
      { numRuns: 30 },
    );
  });
});

function longOf(value: bigint): object {
  const unsigned = BigInt.asUintN(64, value);
  return { low: Number(unsigned & 0xffff_ffffn) | 0, high: Number(unsigned >> 32n) | 0, unsigned: value >= 2n ** 63n };
}

describe('small floats', () => {
  test('every float16 becomes a number and the same float16 again', () => {
    expect(changedBy(float16ToNumber, numberToFloat16)).toEqual([]);
    expect(Number.isNaN(float16ToNumber(numberToFloat16(Number.NaN)))).toBe(true);
  });

  test('every bfloat16 becomes a number and the same bfloat16 again', () => {
    expect(changedBy(bfloat16ToNumber, numberToBfloat16)).toEqual([]);
    expect(Number.isNaN(bfloat16ToNumber(numberToBfloat16(Number.NaN)))).toBe(true);
  });

  test('rounding to float16 takes the nearest, and the even one of two', () => {
    fc.assert(
      fc.property(fc.float({ min: -65_519, max: 65_519, noNaN: true }), (value) => {
        const half = numberToFloat16(value);
        const error = Math.abs(float16ToNumber(half) - value);
        const magnitude = half & 0x7fff;
        for (const neighbour of [magnitude - 1, magnitude + 1].filter((each) => each >= 0 && each < 0x7c00)) {
          const other = Math.abs(float16ToNumber(neighbour | (half & 0x8000)) - value);
          expect(error < other || (error === other && (half & 1) === 0)).toBe(true);
        }
      }),
    );
    expect(numberToFloat16(65_520)).toBe(0x7c00);
    expect(numberToFloat16(-65_519.99)).toBe(0xfbff);
  });
});

/** Bits that are numbers and come back as others. */
function changedBy(toFloat: (bits: number) => number, toBits: (value: number) => number): number[] {
  return Array.from({ length: 65_536 }, (_, bits) => bits).filter((bits) => !Number.isNaN(toFloat(bits)) && toBits(toFloat(bits)) !== bits);
}

describe('reading', () => {
  test('known bits of float8, float4 and float6', () => {
    expect([...floatsOf(makeTensor('t', 'float8e4m3fn', [4], [0x7e, 0x38, 0x01, 0xb8]))]).toEqual([448, 1, 2 ** -9, -1]);
    expect([...floatsOf(makeTensor('t', 'float8e5m2', [3], [0x7b, 0x3c, 0xfc]))]).toEqual([57_344, 1, Number.NEGATIVE_INFINITY]);
    expect([...floatsOf(makeTensor('t', 'float8e4m3fnuz', [2], [0x7f, 0x40]))]).toEqual([240, 1]);
    expect([...floatsOf(makeTensor('t', 'float8e5m2fnuz', [2], [0x7f, 0x40]))]).toEqual([57_344, 1]);
    expect([...floatsOf(makeTensor('t', 'float4e2m1', [4], [7, 15, 1, 2]))]).toEqual([6, -6, 0.5, 1]);
    expect([...floatsOf(makeTensor('t', 'float6e2m3', [2], [0x1f, 0x08]))]).toEqual([7.5, 1]);
    expect([...floatsOf(makeTensor('t', 'float6e3m2', [2], [0x1f, 0x0c]))]).toEqual([28, 1]);
  });

  test('int4 holds the first element in the lower half of a byte', () => {
    expect(makeTensor('t', 'int4', [3], [1, -2, 7]).rawData).toEqual(Uint8Array.from([0xe1, 0x07]));
    expect([...unpack(Uint8Array.from([0xe1, 0x07]), 3, tensorDataType.int4)]).toEqual([1, -2, 7]);
    expect(pack(Uint8Array.from([1, 2, 3, 4]), tensorDataType.float6e2m3)).toEqual(Uint8Array.from([0x81, 0x30, 0x10]));
  });

  test('texts', () => {
    expect(textsOf(throughFile(makeTensor('t', 'string', [2], ['ä', 'b'])))).toEqual(['ä', 'b']);
    expect(codeOf(() => valuesOf(makeTensor('t', 'string', [1], ['a'])))).toBe('unsupported-type');
  });

  test('integers beyond 2^53 keep every digit', () => {
    const tensor = throughFile({ name: 't', dims: [1], dataType: tensorDataType.int64, int64Data: [longOf(2n ** 63n - 1n) as never] });
    expect(valuesOf(tensor)).toEqual(BigInt64Array.of(2n ** 63n - 1n));
    expect(toBigInt((tensor.int64Data ?? [])[0] ?? 0)).toBe(2n ** 63n - 1n);
    expect(integersOf(makeTensor('t', 'int64', [2], [3, -1]))).toEqual([3, -1]);
  });

  test('data that does not fit its shape is refused', () => {
    expect(codeOf(() => tensorBytes({ name: 't', dims: [3], dataType: tensorDataType.float, rawData: new Uint8Array(8) }))).toBe(
      'tensor-size',
    );
    expect(codeOf(() => tensorBytes({ name: 't', dims: [-1], dataType: tensorDataType.float }))).toBe('tensor-shape');
    expect(codeOf(() => makeTensor('t', 'float', [2], [1]))).toBe('tensor-size');
    expect(codeOf(() => tensorBytes({ name: 't', dims: [1], dataType: tensorDataType.float, dataLocation: 1 }))).toBe(
      'external-data-missing',
    );
  });

  test('a payload is read when it is asked for, and has to give what it promised', () => {
    const tensor = makeTensor('t', 'float', [2], [1, 2]);
    let asked = 0;
    setPayload(
      tensor,
      'int8',
      [3],
      computedPayload(3, () => {
        asked += 1;
        return Uint8Array.from([1, 2, 255]);
      }),
    );
    expect(asked).toBe(0);
    expect([...valuesOf(tensor)]).toEqual([1, 2, -1]);
    expect(asked).toBe(1);
    expect(
      codeOf(() =>
        setPayload(
          tensor,
          'float',
          [3],
          computedPayload(3, () => new Uint8Array(3)),
        ),
      ),
    ).toBe('tensor-size');
    setPayload(
      tensor,
      'int8',
      [3],
      computedPayload(3, () => new Uint8Array(2)),
    );
    expect(codeOf(() => tensorBytes(tensor))).toBe('tensor-size');
  });
});
