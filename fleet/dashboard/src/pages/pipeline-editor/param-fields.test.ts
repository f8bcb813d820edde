import { operatorRegistry, sinkRegistry, sourceRegistry } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { freeName } from './edit-document.ts';
import { paletteEntries } from './palette-entries.ts';
import { paramFieldsOf } from './param-fields.ts';

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

  test('what no simple field holds is YAML, and a number without bounds has none', () => {
    expect(fieldsOf('image.to-tensor').find(({ name }) => name === 'mean')).toMatchObject({
      kind: 'yaml',
      fallback: [0.485, 0.456, 0.406],
    });
    expect(fieldsOf('image.to-grey-tensor').find(({ name }) => name === 'mean')).toMatchObject({ minimum: undefined, maximum: undefined });
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
