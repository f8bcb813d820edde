import { expect, test } from 'vitest';
import { operatorRegistry } from './operators/index.ts';
import { pipelineJsonSchema } from './pipeline-json-schema.ts';

test('the schema for editors knows every operator with its parameters, and the files that a pipeline may name', () => {
  const text = JSON.stringify(pipelineJsonSchema());
  for (const { name, summary } of operatorRegistry.values()) {
    expect(text).toContain(JSON.stringify({ const: name, description: summary }));
    expect(text).toContain(JSON.stringify({ properties: { op: { const: name } }, required: ['op'] }));
  }
  expect(text).toContain('"oneOf":[{"required":["source"]},{"required":["file"]}]');
  expect(text).toContain('name@version of a published one');
  // Ports of the pipeline, of those inside it, and of scripts: editors complete their types.
  expect(text.match(/"examples":\["encoded-image","image"/g)?.length).toBeGreaterThanOrEqual(4);
  expect(text).not.toContain(String(Number.MAX_SAFE_INTEGER));
  expect(text.length).toBeLessThan(400_000);
});
