import { type PipelineInput, pipelineSchema } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { checkScripts } from './check-scripts.ts';

const graphOf = (source: string) => ({
  inputs: { in: 'json' },
  outputs: { out: 'json' },
  nodes: { own: { script: { source, inputs: { in: 'json' }, outputs: { out: 'json' } } } },
  edges: [
    { from: 'input.in', to: 'own.in' },
    { from: 'own.out', to: 'output.out' },
  ],
});
const problemsOf = (source: string, inner = 'export default () => ({})') => {
  const document: PipelineInput = {
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'scripts', version: '1.0.0' },
    ...graphOf(source),
    pipelines: { inside: graphOf(inner) },
  };
  return checkScripts(pipelineSchema.parse(document));
};

describe('the scripts of a pipeline', () => {
  test.each([
    'export default (inputs, { params }) => ({ out: inputs.in })',
    'const f = async () => ({}); export { f as default };',
    'export default function* () {}',
    'const x = await 1; export default () => ({ out: /^\\p{L}+$/v.test("a") ?? x })',
  ])('%s can be read', (source) => {
    expect(problemsOf(source)).toEqual([]);
  });

  test.each([
    ['export default () => {\n  let x = ;\n}', /line 2, column 11/],
    ['export default () => {', /line 1/],
    ['import fs from "fs";\nexport default () => ({})', /cannot import \(line 1\)/],
    ['export { default } from "elsewhere"', /cannot import/],
    ['export * from "elsewhere"; export default 1', /cannot import/],
    ['export const f = () => ({})', /no default export/],
    ['with ({}) {} export default 1', /cannot be read/],
  ])('%s is a problem of its node', (source, said) => {
    expect(problemsOf(source)).toEqual([
      expect.objectContaining({ code: 'invalid-script', field: 'nodes.own.script.source', message: expect.stringMatching(said) }),
    ]);
  });

  test('those of pipelines inside are read too', () => {
    expect(problemsOf('export default () => ({})', '}').map(({ field }) => field)).toEqual(['pipelines.inside.nodes.own.script.source']);
  });
});
