import { z } from 'zod';
import type { OperatorSignature, Ports } from '../signature.ts';
import { anyTypes, canBeWritten, expressionSchema, inputNamesSchema, itemVariables, withSchema, writtenValueMessage } from './flow.ts';

/** Port types that are lists by themselves have no items that an edge could carry: these are JSON. */
const listTypeSchema = z
  .enum(['list', 'detections', 'boxes', 'json'])
  .default('list')
  .meta({ description: 'What comes in: `list` for list<T>, or a port type whose value is a list' });
type ListType = z.output<typeof listTypeSchema>;

const many = (type: ListType): string => (type === 'list' ? 'list<T>' : type);
const one = (type: ListType): string => (type === 'list' ? 'T' : 'json');

function listPorts(type: ListType, outputs: Ports['outputs'], names: readonly string[] = []): Ports {
  return { inputs: { values: many(type), ...anyTypes(names) }, outputs, optional: names, wired: names };
}

const filterParams = z.strictObject({ when: expressionSchema, with: withSchema, type: listTypeSchema });
const mapParams = z.strictObject({ give: expressionSchema, with: withSchema, type: listTypeSchema });
const sortParams = z.strictObject({
  by: expressionSchema.meta({ description: 'A number or a text for each item, e.g. `value.score`' }),
  descending: z.boolean().default(false).meta({ description: 'Largest first' }),
  count: z.number().int().min(1).max(100_000).optional().meta({ description: 'Only the first ones are kept' }),
  type: listTypeSchema,
});
const typeParams = z.strictObject({ type: listTypeSchema });

const itemOfList = ['value', 'index', ...itemVariables] as const;

const computeParams = z.strictObject({ inputs: inputNamesSchema.max(16), give: expressionSchema });

const constantParams = z
  .strictObject({
    type: z.string().max(200).default('json').meta({ description: 'Port type of the value' }),
    value: z.json().meta({ description: 'JSON; for a tensor one number that fills it' }),
  })
  .refine(
    ({ type, value }) => {
      try {
        return canBeWritten(type, value);
      } catch {
        return false;
      }
    },
    { path: ['value'], message: writtenValueMessage },
  );

/** Lists on an edge, and values that expressions make. */
export const listOperators = {
  'list.filter': {
    name: 'list.filter',
    version: 1,
    summary: 'Keeps the items of a list for which an expression is true',
    inputs: { values: 'list<T>' },
    outputs: { values: 'list<T>' },
    params: filterParams,
    ports: (params: z.output<typeof filterParams>) => listPorts(params.type, { values: many(params.type) }, params.with),
    expressions: (params: z.output<typeof filterParams>) => [
      { path: ['when'], text: params.when, variables: [...itemOfList, ...params.with], result: 'boolean' },
    ],
  },
  'list.map': {
    name: 'list.map',
    version: 1,
    summary: 'Gives what an expression says for each item of a list',
    inputs: { values: 'list<T>' },
    outputs: { values: 'list<json>' },
    params: mapParams,
    ports: (params: z.output<typeof mapParams>) => listPorts(params.type, { values: 'list<json>' }, params.with),
    expressions: (params: z.output<typeof mapParams>) => [
      { path: ['give'], text: params.give, variables: [...itemOfList, ...params.with] },
    ],
  },
  'list.sort': {
    name: 'list.sort',
    version: 1,
    summary: 'Orders the items of a list by what an expression says of each; equal ones keep their order',
    inputs: { values: 'list<T>' },
    outputs: { values: 'list<T>' },
    params: sortParams,
    ports: ({ type }: z.output<typeof sortParams>) => listPorts(type, { values: many(type) }),
    expressions: ({ by }: z.output<typeof sortParams>) => [{ path: ['by'], text: by, variables: itemOfList }],
  },
  'list.first': {
    name: 'list.first',
    version: 1,
    summary: 'Gives the first item of a list; of an empty one nothing',
    inputs: { values: 'list<T>' },
    outputs: { value: 'T' },
    params: typeParams,
    ports: ({ type }: z.output<typeof typeParams>) => listPorts(type, { value: one(type) }),
  },
  'list.count': {
    name: 'list.count',
    version: 1,
    summary: 'Counts the items of a list',
    inputs: { values: 'list<T>' },
    outputs: { count: 'json' },
    params: typeParams,
    ports: ({ type }: z.output<typeof typeParams>) => listPorts(type, { count: 'json' }),
  },
  'list.flatten': {
    name: 'list.flatten',
    version: 1,
    summary: 'Makes one list of the items of several lists',
    inputs: { lists: 'list<list<T>>' },
    outputs: { values: 'list<T>' },
    params: typeParams,
    ports: ({ type }: z.output<typeof typeParams>) => ({ inputs: { lists: `list<${many(type)}>` }, outputs: { values: many(type) } }),
  },
  'value.compute': {
    name: 'value.compute',
    version: 1,
    summary: 'Gives what an expression over its inputs says; with `join: outer` those without a value are null',
    inputs: {},
    outputs: { value: 'json' },
    params: computeParams,
    joins: ['inner', 'any', 'outer'],
    ports: ({ inputs }: z.output<typeof computeParams>) => ({ inputs: anyTypes(inputs), outputs: { value: 'json' } }),
    expressions: ({ give, inputs }: z.output<typeof computeParams>) => [
      { path: ['give'], text: give, variables: [...inputs, ...itemVariables] },
    ],
  },
  'value.constant': {
    name: 'value.constant',
    version: 1,
    summary: 'Gives the same value for every item',
    inputs: {},
    outputs: { value: 'json' },
    params: constantParams,
    ports: ({ type }: z.output<typeof constantParams>) => ({ inputs: {}, outputs: { value: type } }),
  },
} as const satisfies Record<string, OperatorSignature>;
