import { expect, test } from 'vitest';
import { evaluationFromText } from './evaluation-from-text.ts';

const pipeline = {
  ...{ kind: 'pipeline', name: 'read', version: '1.0.0' },
  ...{ inputs: { image: 'encoded-image' }, outputs: { y: 'tensor' }, nodes: { net: { model: 'net' } } },
  edges: [{ from: 'input.image', to: 'net.x' }],
};

test('nothing filled in says nothing', async () => {
  expect(await evaluationFromText('', ' ')).toBeUndefined();
});

const yaml = `
# as "starling pipeline push" takes it
kind: pipeline
name: read
version: 1.0.0
inputs: { image: encoded-image }
outputs:
  y: tensor
nodes:
  net: { model: net }
edges:
  - from: input.image
    to: net.x
`;

test('what is written in YAML means what it means in JSON', async () => {
  expect(await evaluationFromText('accuracy', yaml)).toEqual(await evaluationFromText('accuracy', JSON.stringify(pipeline)));
});

test('of a whole pipeline the graph is taken', async () => {
  const evaluation = await evaluationFromText('accuracy', JSON.stringify(pipeline));
  expect(evaluation?.metric).toBe('accuracy');
  expect(Object.keys(evaluation?.pipeline ?? {})).toEqual(['inputs', 'outputs', 'parameters', 'nodes', 'edges']);
});

test.each([
  ['{', 'neither YAML nor JSON'],
  ['a: [1\nb: 2', 'neither YAML nor JSON'],
  ['&a [*a, *b]', 'neither YAML nor JSON'],
  ['[]', 'no keys and values'],
  ['null', 'no keys and values'],
  ['some words', 'no keys and values'],
  [JSON.stringify({ ...pipeline, edges: [] }), ''],
  [yaml.replace('from:', 'form:'), ''],
])('refuses what is no pipeline: %s', async (text, words) => {
  const message = expect.stringContaining(words);
  await expect(evaluationFromText('', text)).rejects.toMatchObject({ code: 'bad-pipeline', field: expect.any(String), message });
});
