import type { ReplayResult, TapValueView } from '@starling/shared';
import { expect, test } from 'vitest';
import type { DrawnGraph } from '../../../graph/drawn-graph.ts';
import { stepsOf } from './replay-steps.ts';

const graph = {
  nodes: [
    { id: 'input', outputs: [{ name: 'image' }] },
    { id: 'decode', outputs: [{ name: 'image' }] },
    { id: 'other', outputs: [{ name: 'x' }] },
    { id: 'look', outputs: [{ name: 'y' }] },
    { id: 'output', outputs: [] },
  ],
  edges: [
    { from: 'input', fromPort: 'image', port: 'input.image', to: 'decode', toPort: 'image', kind: 'value' },
    { from: 'decode', fromPort: 'image', port: 'decode.image', to: 'look', toPort: 'x', kind: 'value' },
    { from: 'look', fromPort: 'y', port: 'look.y', to: 'output', toPort: 'y', kind: 'value' },
  ],
  groups: [],
} as unknown as DrawnGraph;

const counts = { seen: 0, skipped: 0, rate: 0, busy: 0, link: 0 };
const value = (edge: string): TapValueView => ({
  ...{ sequence: 0, edge, value: { kind: 'json', value: 1 }, counts, lost: 0, behind: 0, atMs: 0 },
});
const result: ReplayResult = {
  ...{ pipeline: 'p', release: 'a'.repeat(64), item: { stream: 's', sequence: 1, timeMs: 0, traceId: null } },
  edges: [
    { edge: 'input.image', state: 'refused' },
    { edge: 'decode.image', state: 'sent' },
    { edge: 'look.y', state: 'sent' },
    { edge: 'other.x', state: 'absent' },
  ],
  ...{ latencyMs: 30, nodesMs: { decode: 10, look: 20 } },
};

test('a replay goes node by node, with what each got and gave; nodes that nothing reached are passed', () => {
  const steps = stepsOf(graph, result, [value('decode.image')]);
  expect(steps.map(({ node, tookMs }) => [node, tookMs])).toEqual([
    ['input', undefined],
    ['decode', 10],
    ['look', 20],
    ['output', undefined],
  ]);
  expect(steps[1]).toMatchObject({ takes: [{ port: 'input.image', state: 'refused' }], gives: [{ port: 'decode.image', state: 'sent' }] });
  expect(steps[1]?.gives[0]?.value).toEqual(value('decode.image'));
  expect(steps[2]?.gives).toEqual([{ port: 'look.y', state: 'not-sent', value: undefined }]);
});

test('the node at which the item ended is a step, even where nothing came out of it', () => {
  const failed: ReplayResult = {
    ...result,
    edges: [],
    nodesMs: {},
    failure: { code: 'broken', message: 'no such file', field: 'nodes.other' },
  };
  expect(stepsOf(graph, failed, [])).toMatchObject([{ node: 'other', failure: 'no such file' }]);
});
