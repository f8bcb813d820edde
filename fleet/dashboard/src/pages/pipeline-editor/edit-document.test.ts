import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Edit, editText, freeName, replacementOf } from './edit-document.ts';

const text = `# What it is for
name: watch # the yard
version: 1.0.0
inputs:
  image: encoded-image
outputs: { found: json }

nodes:
  # opens the file
  decode: { op: image.decode }
  "resize": # smaller
    op: image.resize
    params: { longestSide: 640 } # enough for cars
  join: { op: x.y, triggers: [decode.image] }
edges:
  - { from: input.image, to: decode.image } # first
  # then smaller
  - from: decode.image
    to: resize.image
monitors:
  light: { edge: decode.image, measure: brightness, bins: [1] }
`;
const comments = (of: string): string[] => [...of.matchAll(/# (.*)/g)].map(([, words = '']) => words);

describe('a change of the text', () => {
  test('keeps every comment that is not about what is gone', () => {
    const after = editText(text, { kind: 'set', path: ['nodes', 'resize', 'params', 'longestSide'], value: 320 });
    expect(comments(after)).toEqual(comments(text));
    expect(after).toContain('params: { longestSide: 320 } # enough for cars');
  });

  test('adds a node, and connects it by an edge that takes the place of the one before', () => {
    const after = editText(
      text,
      { kind: 'add-node', name: 'quads', node: { op: 'image.crop-quads' } },
      { kind: 'connect', from: 'quads.images', to: 'resize.image' },
    );
    expect(after).toContain('  quads: { op: image.crop-quads }\n');
    expect(parse(after)).toMatchObject({
      edges: [
        { from: 'input.image', to: 'decode.image' },
        { from: 'quads.images', to: 'resize.image' },
      ],
    });
  });

  test('a node that goes takes its edges along', () => {
    expect(parse(editText(text, { kind: 'remove-node', name: 'decode' }))).toMatchObject({ edges: [] });
  });

  test('a new name is taken everywhere: edges, triggers, monitors', () => {
    const after = parse(editText(text, { kind: 'rename-node', name: 'decode', to: 'open' })) as Record<string, unknown>;
    expect(Object.keys(after['nodes'] as object)).toEqual(['open', 'resize', 'join']);
    expect(JSON.stringify(after)).not.toContain('decode.image');
    expect(after).toMatchObject({ nodes: { join: { triggers: ['open.image'] } }, monitors: { light: { edge: 'open.image' } } });
  });

  test('a case of a switch that gets another name keeps what starts there', () => {
    const ways = text
      .replace('  join:', "  sort: { op: flow.switch, params: { cases: { hot: 'value > 3' } } }\n  join:")
      .replaceAll('decode.image', 'sort.hot');
    const after = parse(editText(ways, { kind: 'rename-output', node: 'sort', name: 'hot', to: 'warm' })) as Record<string, unknown>;
    expect(after).toMatchObject({
      edges: [{ to: 'sort.hot' }, { from: 'sort.warm' }],
      nodes: { join: { triggers: ['sort.warm'] } },
      monitors: { light: { edge: 'sort.warm' } },
    });
  });

  test('ports of the pipeline are renamed and removed with their edges', () => {
    const renamed = parse(editText(text, { kind: 'rename-port', side: 'inputs', name: 'image', to: 'photo' }));
    expect(renamed).toMatchObject({ inputs: { photo: 'encoded-image' }, edges: [{ from: 'input.photo' }, {}] });
    expect(parse(editText(text, { kind: 'remove-port', side: 'inputs', name: 'image' }))).toMatchObject({
      inputs: {},
      edges: [{ to: 'resize.image' }],
    });
  });

  test('what says nothing any more goes: the last parameter takes `params` along', () => {
    const after = editText(text, { kind: 'set', path: ['nodes', 'resize', 'params', 'longestSide'] });
    expect(parse(after)).toMatchObject({ nodes: { resize: { op: 'image.resize' } } });
    expect(after).not.toContain('params');
  });

  test('text that is no YAML stays as it is', () => {
    const broken = 'nodes: {\n  - x';
    expect(editText(broken, { kind: 'remove-node', name: 'x' })).toBe(broken);
  });

  test('begins lists and maps that are not there, one entry in a line', () => {
    const after = editText(
      'name: x\nnodes: {}\nedges: []\n',
      { kind: 'add-node', name: 'a', node: { op: 'b' } },
      { kind: 'connect', from: 'a.x', to: 'output.y' },
    );
    expect(after).toBe('name: x\nnodes:\n  a: { op: b }\nedges:\n  - { from: a.x, to: output.y }\n');
    expect(parse(editText('name: x\n', { kind: 'connect', from: 'a.x', to: 'b.y' }))).toEqual({
      name: 'x',
      edges: [{ from: 'a.x', to: 'b.y' }],
    });
  });
});

const name = fc.constantFrom('a', 'b', 'c', 'd');
const edits: fc.Arbitrary<Edit> = fc.oneof(
  name.map((each): Edit => ({ kind: 'add-node', name: each, node: { op: 'image.decode' } })),
  name.map((each): Edit => ({ kind: 'remove-node', name: each })),
  fc.tuple(name, name).map(([from, to]): Edit => ({ kind: 'connect', from: `${from}.image`, to: `${to}.image` })),
  fc.nat(5).map((index): Edit => ({ kind: 'disconnect', index })),
  fc.tuple(name, fc.nat(9)).map(([each, value]): Edit => ({ kind: 'set', path: ['nodes', each, 'params', 'quality'], value })),
);

interface Model {
  nodes: Record<string, { op?: string; params?: { quality: number } }>;
  edges: { from: string; to: string }[];
}

/** What an edit means, on plain data. */
function meant(model: Model, edit: Edit): Model {
  const nodes = { ...model.nodes };
  let edges = [...model.edges];
  if (edit.kind === 'add-node') nodes[edit.name] = { op: 'image.decode' };
  if (edit.kind === 'remove-node') {
    delete nodes[edit.name];
    edges = edges.filter(({ from, to }) => !from.startsWith(`${edit.name}.`) && !to.startsWith(`${edit.name}.`));
  }
  if (edit.kind === 'connect') edges = [...edges.filter(({ to }) => to !== edit.to), { from: edit.from, to: edit.to }];
  if (edit.kind === 'disconnect') edges = edges.filter((_, index) => index !== edit.index);
  if (edit.kind === 'set') {
    const key = String(edit.path[1]);
    nodes[key] = { ...nodes[key], params: { quality: edit.value as number } };
  }
  return { nodes, edges };
}

test('any row of changes means in the text what it means on plain data, and no comment at the top is lost', () => {
  fc.assert(
    fc.property(fc.array(edits, { maxLength: 12 }), (row) => {
      let after = '# kept\nname: x # also\nnodes: {}\nedges: []\n';
      let model: Model = { nodes: {}, edges: [] };
      for (const edit of row) {
        after = editText(after, edit);
        model = meant(model, edit);
      }
      expect(parse(after)).toEqual({ name: 'x', ...model });
      expect(comments(after)).toEqual(['kept', 'also']);
    }),
    { numRuns: 60 },
  );
});

test('a replacement turns the text before into the text after, and touches nothing else', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (start, before, after, end) => {
      const [old, next] = [start + before + end, start + after + end];
      const change = replacementOf(old, next);
      if (change === undefined) {
        expect(old).toBe(next);
        return;
      }
      expect(old.slice(0, change.from) + change.insert + old.slice(change.to)).toBe(next);
      expect(change.to - change.from).toBeLessThanOrEqual(before.length);
    }),
  );
});

test('a name is free and one that a node may have', () => {
  expect(freeName('decode', [])).toBe('decode');
  expect(freeName('decode', ['decode', 'decode-2'])).toBe('decode-3');
  expect(freeName('output', [])).toBe('output-2');
  expect(freeName('my node!', [])).toBe('my-node');
  expect(freeName('…', [])).toBe('node');
});
