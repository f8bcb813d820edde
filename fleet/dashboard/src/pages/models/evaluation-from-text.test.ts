import { expect, test } from 'vitest';
import { evaluationFromText } from './evaluation-from-text.ts';

const pipeline = {
  ...{ kind: 'pipeline', name: 'read', version: '1.0.0' },
  ...{ inputs: { image: 'encoded-image' }, outputs: { y: 'tensor' }, nodes: { net: { model: 'net' } } },
  edges: [{ from: 'input.image', to: 'net.x' }],
};

test('nothing filled in says nothing', () => {
  expect(evaluationFromText('', ' ')).toBeUndefined();
});

test('of a whole pipeline the graph is taken', () => {
  const evaluation = evaluationFromText('accuracy', JSON.stringify(pipeline));
  expect(evaluation?.metric).toBe('accuracy');
  expect(Object.keys(evaluation?.pipeline ?? {})).toEqual(['inputs', 'outputs', 'nodes', 'edges']);
});

test.each([['{'], ['[]'], ['null'], [JSON.stringify({ ...pipeline, edges: [] })]])('refuses what is no pipeline: %s', (text) => {
  expect(() => evaluationFromText('', text)).toThrow(expect.objectContaining({ code: 'bad-pipeline' }));
});
