import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type PipelineInput, pipelineSchema } from '../../documents/pipeline.ts';
import { operatorRegistry } from '../operators/index.ts';
import type { OperatorSignature } from '../signature.ts';
import { checkPipeline } from './check-pipeline.ts';
import type { GraphContext } from './graph-context.ts';

/** Operators over one kind of value, and one over any. */
const kinds = ['json', 'image', 'text', 'tensor<float32,[1,4]>', 'list<json>'] as const;
const maker = (from: string, to: string): OperatorSignature => ({
  ...{ name: `${from}-${to}`, version: 1, summary: 'Makes', inputs: { in: from }, outputs: { out: to }, params: z.strictObject({}) },
});
const makers = new Map(kinds.flatMap((from) => kinds.map((to): [string, OperatorSignature] => [`${from}-${to}`, maker(from, to)])));
const random: GraphContext = { operators: new Map([...makers, ...operatorRegistry]), models: new Map() };

/** A random graph that is right: each node takes what some port before it gives, and all that is given ends somewhere. */
const right = fc
  .array(
    fc.record({
      pick: fc.nat(),
      way: fc.constantFrom('make', 'filter', 'merge', 'switch', 'collect', 'delay'),
      to: fc.constantFrom(...kinds),
    }),
    {
      minLength: 1,
      maxLength: 20,
    },
  )
  .map((steps): PipelineInput => {
    const given: { port: string; type: string }[] = kinds.map((type, index) => ({ port: `input.i${index}`, type }));
    const nodes: PipelineInput['nodes'] = {};
    const edges: PipelineInput['edges'] = [];
    for (const [index, { pick, way, to }] of steps.entries()) {
      const name = `n${index}`;
      const from = given[pick % given.length] ?? expect.unreachable();
      const same = given.filter(({ type, port }) => type === from.type && port !== from.port);
      if (way === 'make') {
        nodes[name] = { op: `${from.type}-${to}` };
        given.push({ port: `${name}.out`, type: to });
        edges.push({ from: from.port, to: `${name}.in` });
      } else if (way === 'merge' || way === 'collect') {
        const other = same[pick % Math.max(1, same.length)] ?? from;
        nodes[name] = { op: `flow.${way}`, join: way === 'merge' ? 'any' : 'inner', params: { inputs: ['a', 'b'] } };
        edges.push({ from: from.port, to: `${name}.a` }, { from: other.port, to: `${name}.b` });
        given.push(way === 'merge' ? { port: `${name}.value`, type: from.type } : { port: `${name}.values`, type: `list<${from.type}>` });
      } else {
        const params =
          way === 'switch' ? { cases: { one: 'true' } } : way === 'filter' ? { when: 'item.sequence > 3' } : { type: from.type };
        nodes[name] = { op: `flow.${way}`, params };
        edges.push({ from: from.port, to: `${name}.value` });
        given.push({ port: `${name}.${way === 'switch' ? 'one' : 'value'}`, type: from.type });
      }
    }
    // Also the inputs: what nobody takes goes straight out.
    const taken = new Set(edges.map(({ from }) => from));
    const ends = given.filter(({ port }) => !taken.has(port));
    return {
      ...{ kind: 'pipeline', schemaVersion: 1, name: 'random', version: '1.0.0', nodes },
      inputs: Object.fromEntries(kinds.map((type, index) => [`i${index}`, type])),
      outputs: Object.fromEntries(ends.map(({ type }, index) => [`o${index}`, type])),
      edges: [...edges, ...ends.map(({ port }, index) => ({ from: port, to: `output.o${index}` }))],
    };
  })
  // An operator for lists of lists, as `collect` may make them, is not in the table.
  .filter(({ nodes }) => Object.values(nodes).every((node) => !('op' in node) || random.operators.has(node.op)));

type Mutation = [code: string, change: (it: PipelineInput, pick: number) => string | undefined];
const nth = <Item>(items: readonly Item[], pick: number): Item => items[pick % items.length] ?? expect.unreachable();
/** The field of a mistake, once it was made. */
const after = (_mistake: unknown, field: string): string => field;

const mutations: Mutation[] = [
  [
    'unknown-operator',
    (it, pick) => Object.assign(nth(nodeEntries(it), pick)[1], { op: 'no.such' }) && `nodes.${nth(nodeEntries(it), pick)[0]}.op`,
  ],
  ['unknown-node', (it, pick) => Object.assign(nth(it.edges, pick), { from: 'nowhere.out' }) && `edges.${pick % it.edges.length}.from`],
  [
    'unknown-port',
    (it, pick) => Object.assign(nth(it.edges, pick), { to: `${nth(it.edges, pick).to}x` }) && `edges.${pick % it.edges.length}.to`,
  ],
  ['duplicate-input', (it, pick) => after(it.edges.push({ ...nth(it.edges, pick) }), `edges.${it.edges.length - 1}`)],
  ['missing-output', (it) => it.outputs && Object.assign(it.outputs, { more: 'json' }) && 'outputs.more'],
  ['unused-input', (it) => it.inputs && Object.assign(it.inputs, { more: 'json' }) && 'inputs.more'],
  ['unused-parameter', (it) => Object.assign(it, { parameters: { more: { default: 1 } } }) && 'parameters.more'],
  ['unused-pipeline', (it) => Object.assign(it, { pipelines: { more: { nodes: {}, edges: it.edges } } }) && 'pipelines.more'],
  ['unused-node', (it) => Object.assign(it.nodes, { more: { op: 'value.constant', params: { value: 1 } } }) && 'nodes.more'],
  [
    'bad-port-type',
    (it, pick) =>
      it.outputs &&
      Object.assign(it.outputs, { [nth(Object.keys(it.outputs), pick)]: 'photo' }) &&
      `outputs.${nth(Object.keys(it.outputs), pick)}`,
  ],
  ['reserved-name', (it, pick) => Object.assign(it, { name: nth(nodeEntries(it), pick)[0] }) && `nodes.${it.name}`],
  [
    'no-list',
    (it) =>
      after(
        [Object.assign(it.nodes, { more: { op: 'json-json', each: true } }), it.edges.push({ from: 'input.i0', to: 'more.in' })],
        'nodes.more.each',
      ),
  ],
  [
    'unknown-node',
    (it, pick) =>
      Object.assign(nth(nodeEntries(it), pick)[1], { triggers: ['nowhere.x'] }) && `nodes.${nth(nodeEntries(it), pick)[0]}.triggers.0`,
  ],
  [
    'trigger-is-input',
    (it, pick) => {
      const inner = it.edges.filter(({ to }) => to.startsWith('n'));
      const { from, to } = nth(inner, pick);
      const name = to.slice(0, to.indexOf('.'));
      return Object.assign(it.nodes[name] ?? {}, { triggers: [from] }) && `nodes.${name}.triggers.0`;
    },
  ],
  [
    'invalid-join',
    (it, pick) =>
      Object.assign(nth(nodeEntries(it), pick)[1], { join: 'inner', joinWindowMs: 3 }) &&
      `nodes.${nth(nodeEntries(it), pick)[0]}.joinWindowMs`,
  ],
  [
    'type-mismatch',
    (it) =>
      it.outputs && Object.assign(it.outputs, { more: 'audio' }) && `edges.${it.edges.push({ from: 'input.i0', to: 'output.more' }) - 1}`,
  ],
  [
    'invalid-expression',
    (it) =>
      after(
        [
          Object.assign(it.nodes, { more: { op: 'flow.filter', params: { when: 'value >' } } }),
          it.edges.push({ from: 'input.i0', to: 'more.value' }),
        ],
        'nodes.more.params.when',
      ),
  ],
  [
    'unknown-parameter',
    (it) => Object.assign(it.nodes, { more: { op: 'value.constant', params: { value: '${no}' } } }) && 'nodes.more.params.value',
  ],
  ['missing-input', (it) => Object.assign(it.nodes, { more: { op: 'json-json' } }) && 'nodes.more'],
];
const nodeEntries = (it: PipelineInput) => Object.entries(it.nodes);

describe('a random graph', () => {
  test('that is right has no problems', () => {
    fc.assert(
      fc.property(right, (document) => {
        expect(checkPipeline(pipelineSchema.parse(document), random)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test.each(mutations)('with one mistake made, is told %s and where', (code, change) => {
    fc.assert(
      fc.property(right, fc.nat(), (document, pick) => {
        const changed = structuredClone(document);
        const field = change(changed, pick);
        const found = checkPipeline(pipelineSchema.parse(changed), random);
        expect(found).toContainEqual(expect.objectContaining({ code, field }));
      }),
      { numRuns: 50 },
    );
  });
});
