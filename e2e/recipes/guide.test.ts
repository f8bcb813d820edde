import { readFile } from 'node:fs/promises';
import { checkPipeline, operatorRegistry, type Pipeline, pipelineFileSchema, sinkRegistry, sourceRegistry } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { paintPlain, paintSign } from '../harness/picture.ts';
import { type RecipeRuntime, startRuntime } from './runtime-of.ts';

const FIRST_MS = 1_750_000_000_000;

describe('the pipelines of the guide', () => {
  let runtime: RecipeRuntime;
  let texts: Map<string, string>;

  beforeAll(async () => {
    runtime = await startRuntime();
    const guide = await readFile(new URL('../../docs/guides/pipelines.md', import.meta.url), 'utf8');
    const blocks = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
    // What has no name is a part of a pipeline.
    texts = new Map(blocks.flatMap((text) => [...text.matchAll(/^name: (.*)$/gm)].map(([, name = '']) => [name, text] as const)));
  });
  afterAll(() => runtime?.close());

  /** What each item gives, one after the other. */
  const outputsOf = async (name: string, items: readonly unknown[]): Promise<unknown[]> => {
    const pipeline = pipelineOf(texts.get(name) ?? '');
    await runtime.run(pipeline);
    const [input = ''] = Object.keys(pipeline.inputs);
    const outputs: unknown[] = [];
    for (const [index, value] of items.entries()) {
      const result = await runtime.infer({ ports: { [`input.${input}`]: value } }, { source: 'guide', timeMs: FIRST_MS + index * 100 });
      outputs.push(result.outputs);
    }
    return outputs;
  };

  test('have no mistakes', () => {
    expect([...texts.keys()]).toEqual(['look-at-light', 'grade', 'trend', 'survive']);
    for (const text of texts.values()) {
      const registries = { operators: operatorRegistry, sources: sourceRegistry, sinks: sinkRegistry, models: new Map() };
      expect(checkPipeline(pipelineOf(text), registries)).toEqual([]);
    }
  });

  test('the first one lies among the examples, and warns of the dark picture alone', async () => {
    const file = await readFile(new URL('../../examples/pipelines/look-at-light.yaml', import.meta.url), 'utf8');
    expect(file).toBe(texts.get('look-at-light'));
    const statistics = expect.objectContaining({ brightness: expect.any(Number) });
    expect(await outputsOf('look-at-light', [await paintPlain(20, 20, 30), await paintSign('GATE 7')])).toEqual([
      { statistics, alarm: statistics },
      { statistics },
    ]);
  });

  test('one of two branches gives a note, or none does', async () => {
    expect(await outputsOf('grade', [{ celsius: 91 }, { celsius: 20 }, { celsius: -3 }])).toEqual([
      { note: { note: 'too hot', by: 11 } },
      {},
      { note: { note: 'too cold', by: 8 } },
    ]);
  });

  test('change and mean come from the items before', async () => {
    expect(await outputsOf('trend', [3, 5, 10, 12])).toEqual([
      { change: 3 },
      { change: 2 },
      { change: 5, mean: 6 },
      { change: 2, mean: 9 },
    ]);
  });

  test('a picture that is none is told of, and the item goes on', async () => {
    const [broken, whole] = await outputsOf('survive', [new TextEncoder().encode('no picture'), await paintPlain(1, 2, 3)]);
    expect(broken).toEqual({ problem: { code: 'not-an-image', message: expect.any(String), node: 'decode' } });
    expect(whole).toEqual({ statistics: expect.any(Object) });
  });
});

function pipelineOf(text: string): Pipeline {
  return pipelineFileSchema.parse(parse(text));
}
