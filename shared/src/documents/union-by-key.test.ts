import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { pipelineGraphSchema, pipelineNodeSchema } from './pipeline.ts';

describe('a node of a pipeline', () => {
  const problemsOf = (node: unknown) => {
    const parsed = pipelineGraphSchema.safeParse({ nodes: { one: node }, edges: [{ from: 'input.a', to: 'one.b' }] });
    return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  test('is read as the kind whose key it has', () => {
    expect(pipelineNodeSchema.parse({ op: 'image.decode' })).toMatchObject({ op: 'image.decode', params: {}, join: 'inner' });
    expect(pipelineNodeSchema.parse({ sink: 'webhook' })).toEqual({
      sink: 'webhook',
      params: {},
      join: 'inner',
      triggersJoin: 'inner',
      on: 'device',
    });
  });

  test.each<[unknown, string[]]>([
    [{ op: 'a', batchMaximum: 4 }, ['nodes.one: Unrecognized key: "batchMaximum"']],
    [{ model: 'a', batchMaximum: 'x' }, ['nodes.one.batchMaximum: Invalid input: expected number, received string']],
    [{ op: 'a', retry: { attempts: 99 } }, ['nodes.one.retry.attempts: Too big: expected number to be <=10']],
    [{ source: 'rtsp', each: true }, ['nodes.one: Unrecognized key: "each"']],
    [{ opp: 'image.decode' }, ['nodes.one: has none of op, model, script, pipeline, source, sink, but opp']],
    [{}, ['nodes.one: has none of op, model, script, pipeline, source, sink']],
    [{ op: 'a', model: 'b' }, ['nodes.one: has op and model: it is one of them']],
    ['image.decode', ['nodes.one: Invalid input: expected object, received string']],
    [null, ['nodes.one: Invalid input: expected object, received null']],
    [
      { op: 'a', joinWindowMs: -1, concurrency: 0 },
      ['nodes.one.joinWindowMs: Too small: expected number to be >0', 'nodes.one.concurrency: Too small: expected number to be >=1'],
    ],
  ])('%j says what is wrong about it', (node, expected) => {
    expect(problemsOf(node)).toEqual(expected);
  });

  test('is described as what it may be', () => {
    expect(z.toJSONSchema(pipelineNodeSchema, { io: 'input' }).anyOf).toHaveLength(6);
  });
});
