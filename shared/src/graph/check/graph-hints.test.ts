import { expect, test } from 'vitest';
import { type PipelineInput, pipelineSchema } from '../../documents/pipeline.ts';
import { checkPipeline } from './check-pipeline.ts';
import { context, nodesOf, whole } from './whole-graph-harness.ts';

test('a mistake in a value, a parameter, a monitor or an expression names what would fit', () => {
  const hintsOf = (change: (it: PipelineInput) => unknown): (string | undefined)[] => {
    const pipeline = structuredClone(whole);
    change(pipeline);
    return checkPipeline(pipelineSchema.parse(pipeline), context).map(({ hint }) => hint);
  };
  const monitor = { edge: 'top.classes', measure: 'brightness' as const, bins: [100, 50], reference: [1] };
  expect(hintsOf((it) => Object.assign(it, { monitors: { light: monitor } }))).toEqual([
    'watch another port, or measure one of confidence, count',
    'write them from the smallest to the largest, each once',
    '2 edges make 3 bins: one count for each, or leave `reference` out',
  ]);
  const least = (value: object) => (it: PipelineInput) => Object.assign(it.parameters ?? {}, { least: value });
  expect(hintsOf(least({ default: 3, minimum: 0, maximum: 1 }))).toEqual([
    'write a number from 0 to 1, or change what the parameter allows',
  ]);
  expect(hintsOf(least({ default: 0.5, minimum: 1, maximum: 0 }))).toEqual(['exchange the two, or correct one of them']);
  const give = (text: string) => (it: PipelineInput) =>
    Object.assign(nodesOf(it)['compare'] ?? {}, { params: { inputs: ['l', 'r'], give: text } });
  expect(hintsOf(give('"a" + 1'))).toEqual([expect.stringContaining('of one type')]);
  expect(hintsOf(give('sizes(l)'))).toEqual([expect.stringContaining('functions: size')]);
  expect(hintsOf(give('l ? ; r'))).toEqual([expect.stringContaining('cel.dev')]);
  expect(hintsOf((it) => Object.assign(nodesOf(it)['vad'] ?? {}, { state: { h: 'speech' } }))).toEqual([
    expect.stringContaining('same type and shape'),
  ]);
});
