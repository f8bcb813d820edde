import { operatorRegistry, sinkRegistry, sourceRegistry } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { freeName } from './edit-document.ts';
import { paletteEntries } from './palette-entries.ts';
import { firstValueOf, isShownBy, parameterNamed, paramFieldsOf } from './param-fields.ts';

const fieldsOf = (operator: string) => {
  const params = operatorRegistry.get(operator)?.params;
  return params === undefined ? [] : paramFieldsOf(params);
};

describe('fields of parameters', () => {
  test('follow the schema: bounds, defaults, choices, what is needed', () => {
    const fields = fieldsOf('image.fit');
    expect(fields.map(({ name, kind, isRequired }) => [name, kind, isRequired]).slice(0, 3)).toEqual([
      ['width', 'number', true],
      ['height', 'number', true],
      ['mode', 'choice', false],
    ]);
    expect(fields[0]).toMatchObject({ isInteger: true, minimum: 1, maximum: 4096, description: 'Width of the result, in pixels' });
    expect(fields[2]).toMatchObject({ options: ['stretch', 'letterbox'], fallback: 'stretch' });
  });

  test('of lists and objects follow what stands in them', () => {
    const kindOf = (operator: string, name: string) => fieldsOf(operator).find((field) => field.name === name);
    expect(kindOf('image.to-tensor', 'mean')).toMatchObject({ kind: 'numbers', count: 3, fallback: [0.485, 0.456, 0.406] });
    expect(kindOf('tensor.reshape', 'shape')).toMatchObject({ kind: 'numbers', count: undefined });
    expect(kindOf('image.warp', 'quad')).toMatchObject({ kind: 'points' });
    expect(kindOf('yolo.decode', 'labels')).toMatchObject({ kind: 'texts' });
    expect(kindOf('ctc.decode', 'dictionary')).toMatchObject({ kind: 'asset' });
    expect(kindOf('flow.switch', 'cases')).toMatchObject({ kind: 'named', item: { kind: 'text' } });
    expect(kindOf('flow.delay', 'initial')).toMatchObject({ kind: 'any' });
    expect(kindOf('value.constant', 'value')).toMatchObject({ kind: 'any', isRequired: true });
    const fit = kindOf('yolo.decode', 'fit');
    expect(fit?.kind === 'object' && fit.fields.slice(0, 3)).toMatchObject([
      { name: 'width', kind: 'number', isInteger: true },
      { name: 'height', kind: 'number' },
      { name: 'mode', kind: 'choice' },
    ]);
    const lines = kindOf('count.line', 'lines');
    expect(lines?.kind === 'rows' && lines.item).toMatchObject({
      ...{ kind: 'object' },
      fields: [
        { name: 'name', kind: 'text' },
        { name: 'from', kind: 'numbers', count: 2 },
        { name: 'to', kind: 'numbers', count: 2 },
      ],
    });
    const entities = paramFieldsOf(sinkRegistry.get('home-assistant')?.params as never).find(({ name }) => name === 'entities');
    expect(entities?.kind === 'named' && entities.item).toMatchObject({ kind: 'variants', key: 'kind' });
    expect(fieldsOf('image.to-grey-tensor').find(({ name }) => name === 'mean')).toMatchObject({ minimum: undefined, maximum: undefined });
  });

  test('begin with what a row or an entry needs', () => {
    const lines = fieldsOf('count.line').find(({ name }) => name === 'lines');
    expect(lines?.kind === 'rows' && firstValueOf(lines.item)).toEqual({ name: '', from: [0, 0], to: [0, 0] });
  });

  test('what is written otherwise than the field shows it is YAML', () => {
    const fit = fieldsOf('yolo.decode').find(({ name }) => name === 'fit');
    expect([{ width: 1 }, undefined, [1], 'x'].map((value) => fit !== undefined && isShownBy(fit, value))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(['${a}', 'x${a}', '${a}${b}', 1].map(parameterNamed)).toEqual(['a', undefined, undefined, undefined]);
  });

  test('every operator, source and sink has its fields', () => {
    for (const { name, params } of [...operatorRegistry.values(), ...sourceRegistry.values(), ...sinkRegistry.values()]) {
      const properties = Object.keys((params as { shape?: object }).shape ?? {});
      expect([name, paramFieldsOf(params).map((field) => field.name)]).toEqual([name, properties]);
    }
  });
});

describe('the palette', () => {
  const model = { name: 'classify', version: '2.0.0', document: { inputs: [{ name: 'x' }], outputs: [{ name: 'y' }] } };
  const entries = paletteEntries({ models: [model, { ...model, version: '1.0.0' }] as never, pipelines: [] }, ['inside']);

  test('offers the newest version of each model, all operators, own code, sources and sinks', () => {
    expect(entries.filter(({ group }) => group === 'Models')).toMatchObject([{ title: 'classify', summary: '2.0.0: x → y' }]);
    const titles = entries.map(({ title }) => title);
    expect(titles).toEqual(
      expect.arrayContaining([...operatorRegistry.keys(), ...sourceRegistry.keys(), ...sinkRegistry.keys(), 'Script', 'inside']),
    );
  });

  test('each entry makes a node under a name that it may have, with a value for what is needed', () => {
    for (const entry of entries) {
      const name = freeName(entry.wish, []);
      expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
      expect(entry.edits(name).at(-1)).toMatchObject({ kind: 'add-node', name });
    }
    const fit = entries.find(({ title }) => title === 'image.fit');
    expect(fit?.edits('fit')).toEqual([{ kind: 'add-node', name: 'fit', node: { op: 'image.fit', params: { width: 1, height: 1 } } }]);
  });
});
