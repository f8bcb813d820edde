import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parameterSchema } from '../documents/pipeline.ts';
import { checkDeclarations, checkParameterValues, resolveParameters, substitute } from './parameters.ts';

const declared = z.record(z.string(), parameterSchema).parse({
  threshold: { default: 0.5, minimum: 0, maximum: 1, overridable: 'device' },
  label: { default: 'car', options: ['car', 'truck'] },
  armed: { default: true, overridable: 'never' },
});

describe('parameters', () => {
  test('have their defaults, and then what the last override gives', () => {
    expect(resolveParameters(declared)).toEqual({ threshold: 0.5, label: 'car', armed: true });
    const release = { by: 'release', values: { threshold: 0.7, label: 'truck' } } as const;
    expect(resolveParameters(declared, release, { by: 'device', values: { threshold: 0.9 } })).toEqual({
      ...{ threshold: 0.9, label: 'truck', armed: true },
    });
  });

  test.each<['release' | 'device', Record<string, string | number | boolean>, string]>([
    ['release', { treshold: 1 }, 'unknown-parameter'],
    ['release', { constructor: 1 }, 'unknown-parameter'],
    ['release', { threshold: '0.5' }, 'invalid-parameter'],
    ['release', { threshold: 1.5 }, 'invalid-parameter'],
    ['release', { threshold: -1 }, 'invalid-parameter'],
    ['release', { threshold: Number.NaN }, 'invalid-parameter'],
    ['release', { label: 'bus' }, 'invalid-parameter'],
    ['release', { armed: false }, 'invalid-parameter'],
    ['device', { label: 'truck' }, 'invalid-parameter'],
  ])('a %s may not give %j', (by, values, code) => {
    const [name] = Object.keys(values);
    expect(checkParameterValues(declared, { by, values, field: 'set' })).toMatchObject([{ code, field: `set.${name}` }]);
    expect(() => resolveParameters(declared, { by, values })).toThrowError(expect.objectContaining({ code, field: `parameters.${name}` }));
  });

  test('whose declaration contradicts itself are found', () => {
    const wrong = z.record(z.string(), parameterSchema).parse({
      bounds: { default: 1, minimum: 3, maximum: 2 },
      outside: { default: 5, maximum: 2 },
      text: { default: 'a', minimum: 1 },
      option: { default: 'a', options: ['b'] },
    });
    expect(checkDeclarations(declared)).toEqual([]);
    expect(checkDeclarations(wrong).map(({ field }) => field)).toEqual([
      'parameters.bounds.minimum',
      'parameters.outside.default',
      'parameters.text.minimum',
      'parameters.option.default',
    ]);
  });
});

describe('substitution', () => {
  const values = { threshold: 0.5, label: 'car', armed: true };

  test('keeps the type of a whole, puts text into text, and leaves the rest', () => {
    const params = {
      at: '${threshold}',
      text: 'a ${label} at ${threshold}',
      list: ['${armed}', 3],
      literal: '$${label}',
      '${label}': null,
    };
    const { params: replaced, problems, used } = substitute(params, values);
    expect(replaced).toEqual({ at: 0.5, text: 'a car at 0.5', list: [true, 3], literal: '${label}', '${label}': null });
    expect(problems).toEqual([]);
    expect([...used].toSorted()).toEqual(['armed', 'label', 'threshold']);
  });

  test('names what it does not know, where it stands', () => {
    const { params, problems } = substitute({ deep: [{ a: '${lable}', b: 'x${toString}' }] }, values, 'nodes.n.params');
    expect(params).toEqual({ deep: [{ a: '${lable}', b: 'x${toString}' }] });
    expect(problems.map(({ code, field }) => `${code} ${field}`)).toEqual([
      'unknown-parameter nodes.n.params.deep.0.a',
      'unknown-parameter nodes.n.params.deep.0.b',
    ]);
  });
});
