import { type GraphContext, operatorRegistry, pipelineSchema } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawnGraphOf } from '../../graph/drawn-graph.ts';
import { editText } from './edit-document.ts';
import { marksOf } from './marks-of.ts';
import { readDraft } from './read-draft.ts';
import { nextVersion, startingText, textOfPipeline } from './starting-text.ts';

const context: GraphContext = { operators: operatorRegistry, models: new Map() };
const at = (text: string, { from, to }: { from: number; to: number }): string => text.slice(from, to);

describe('a draft', () => {
  test('that is sound is a pipeline without a problem', () => {
    const draft = readDraft(startingText, context);
    expect(draft).toMatchObject({ name: 'my-pipeline', version: '1.0.0', problems: [] });
    expect(draft.pipeline?.nodes).toHaveProperty('decode');
  });

  test('says what the checker finds, and where it stands in the text', () => {
    const text = startingText.replace('op: image.decode', 'op: image.decodee').replace('to: output.result', 'to: output.resutl');
    const { problems } = readDraft(text, context);
    const found = problems.map(({ code, ...place }) => [code, at(text, place)]);
    expect(found).toContainEqual(['unknown-operator', 'image.decodee']);
    expect(found).toContainEqual(['unknown-port', 'output.resutl']);
    expect(problems.map(({ from }) => from)).toEqual(problems.map(({ from }) => from).toSorted((a, b) => a - b));
    expect(text.split('\n')[(problems.find(({ code }) => code === 'unknown-operator')?.line ?? 0) - 1]).toContain('image.decodee');
  });

  test('names the key that is wrong in a node, by the form that was meant', () => {
    const text = startingText.replace('{ op: image.decode }', '{ op: image.decode, eahc: true }');
    const [misspelt] = readDraft(text, context).problems;
    expect(misspelt).toMatchObject({ code: 'unknown-key', field: 'nodes.decode.eahc' });
    expect(misspelt && at(text, misspelt)).toBe('eahc');
    const other = startingText.replace('{ op: image.decode }', '{ model: classify, batchMaximum: 0 }');
    const [problem] = readDraft(other, context).problems;
    expect(problem).toMatchObject({ code: 'invalid-form', field: 'nodes.decode.batchMaximum' });
    expect(problem && at(other, problem)).toBe('0');
    const nothing = startingText.replace('{ op: image.decode }', '{ each: true }');
    expect(readDraft(nothing, context).problems).toMatchObject([{ code: 'invalid-form', field: 'nodes.decode' }]);
  });

  test('underlines a parameter that there is none, not all of them', () => {
    const text = startingText.replace('{ op: image.decode }', '{ op: image.decode, params: { maximumPixels: 5, maximumPixel: 6 } }');
    const [problem] = readDraft(text, context).problems;
    expect(problem).toMatchObject({ code: 'invalid-params' });
    expect(problem && at(text, problem)).toBe('maximumPixel');
  });

  test('is drawn as far as it can be while parts of it are wrong', () => {
    const text = startingText.replace('{ op: image.decode }', '{ op: image.decode, each: perhaps }');
    const { graph, pipeline, problems } = readDraft(text, context);
    expect(pipeline).toBeUndefined();
    expect(Object.keys(graph.nodes)).toEqual(['decode']);
    expect(graph.edges).toHaveLength(2);
    const drawn = drawnGraphOf(graph, new Map());
    expect(marksOf(problems, drawn).nodes.get('decode')).toHaveLength(1);
  });

  test('marks edges by their place in the document', () => {
    const text = startingText.replace('result: image', 'result: json');
    const draft = readDraft(text, context);
    const graph = drawnGraphOf(draft.graph, new Map());
    expect([...marksOf(draft.problems, graph).edges.keys()]).toEqual(['decode.image output.result']);
  });

  test('is not checked against models before they are known', () => {
    const text = startingText.replace('{ op: image.decode }', '{ model: nobody-knows }');
    expect(readDraft(text, undefined).problems).toEqual([]);
    expect(readDraft(text, context).problems.map(({ code }) => code)).toContain('unknown-model');
  });

  test('never throws, and its problems lie in the text, whatever stands there', () => {
    const pieces = fc.array(
      fc.constantFrom(...startingText.split(/(?<=[\n ])/), 'nodes: [1]\n', '- x\n', '  : {', '}', '&a *a', '? [x]: y\n', '"'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((list) => list.join('')),
          fc.string(),
        ),
        (text) => {
          const { problems, graph } = readDraft(text, context);
          drawnGraphOf(graph, new Map());
          for (const { from, to } of problems) expect(from >= 0 && from <= to && to <= text.length).toBe(true);
          expect(() => editText(text, { kind: 'remove-node', name: 'decode' }, { kind: 'connect', from: 'a.b', to: 'c.d' })).not.toThrow();
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a published pipeline as text', () => {
  const document = pipelineSchema.parse({
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'signs', version: '1.4.2', description: 'Reads: signs' },
    ...{ inputs: { image: 'encoded-image' }, outputs: { image: 'image' } },
    nodes: { small: { op: 'image.resize', params: { longestSide: 320 }, timeoutMs: 50 }, open: { op: 'image.decode' } },
    edges: [
      { from: 'input.image', to: 'open.image' },
      { from: 'open.image', to: 'small.image', queue: { length: 2, policy: 'latest' } },
      { from: 'small.image', to: 'output.image' },
    ],
    ...{
      monitors: { light: { edge: 'open.image', measure: 'brightness', bins: [1, 2] } },
      queue: { length: 8 },
      deadlineMs: 900,
      priority: 2,
    },
  });

  test('means the same under the next version', () => {
    const { pipeline, problems } = readDraft(textOfPipeline(document), context);
    expect(problems).toEqual([]);
    expect(pipeline).toEqual({ ...document, version: '1.5.0' });
  });

  test('is written in the order of its flow, an edge a line, without what holds anyway', () => {
    const text = textOfPipeline(document);
    expect(text.indexOf('open:')).toBeLessThan(text.indexOf('small:'));
    expect(text).toContain('  - { from: input.image, to: open.image }\n');
    expect(text).not.toMatch(/each|onError|critical|concurrency/);
    expect(nextVersion('2.0.7-rc.1')).toBe('2.1.0');
  });
});
