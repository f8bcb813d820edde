import { z } from 'zod';
import { EXPRESSION_CHARACTERS_MAXIMUM } from '../../limits.ts';
import { parsePortType } from '../port-types.ts';
import type { OperatorSignature, Ports, PortTexts } from '../signature.ts';

/** What an expression calls the value of a port: a word that CEL takes as a name. */
export const variableNameSchema = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_]{0,39}$/, 'start with a small letter, then letters, digits and _')
  .refine((name) => !reservedWords.has(name), 'this word means something in expressions');
/** Of CEL, and what every expression may use. */
const reservedWords: ReadonlySet<string> = new Set(
  'as break cel const continue else false for function if import in item let loop namespace null optional package return true var void while'.split(
    ' ',
  ),
);

export const expressionSchema = z
  .string()
  .min(1)
  .max(EXPRESSION_CHARACTERS_MAXIMUM)
  .meta({ description: 'In the Common Expression Language, e.g. `value.score > 0.5`' });

/** More inputs that an expression sees, each of its own type. */
export const withSchema = z
  .array(variableNameSchema.refine((name) => name !== 'value' && name !== 'index', 'the expression has a `value` and an `index` already'))
  .max(8)
  .refine((names) => new Set(names).size === names.length, 'each name once')
  .default([])
  .meta({ description: 'Names of more inputs that the expression may use; null where one has no value for an item' });

/** Names of inputs that all have one type. */
export const inputNamesSchema = z
  .array(variableNameSchema)
  .min(1)
  .max(32)
  .refine((names) => new Set(names).size === names.length, 'each name once')
  .meta({ description: 'Names of the inputs' });

/** Inputs of any types: each name has a letter of its own. */
export function anyTypes(names: readonly string[]): PortTexts {
  return Object.fromEntries(names.map((name, index) => [name, String.fromCharCode('A'.charCodeAt(0) + index)]));
}

/** The value of a port, one that goes on or not, and what an expression may look at beside it. */
function gate(outputs: PortTexts, names: readonly string[]): Ports {
  return { inputs: { value: 'T', ...anyTypes(names) }, outputs, optional: names, wired: names };
}

/** What every expression about an item may use: when the item was taken, and which one of its stream it is. */
export const itemVariables = ['item'] as const;

const filterParams = z.strictObject({ when: expressionSchema, with: withSchema });

const switchParams = z.strictObject({
  cases: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,39}$/, 'start with a letter, then letters, digits, _ and -'), expressionSchema)
    .refine((cases) => Object.keys(cases).length > 0, 'name at least one case')
    .refine((cases) => Object.keys(cases).length <= 16, 'at most 16 cases')
    .refine((cases) => !Object.hasOwn(cases, 'otherwise') && !Object.hasOwn(cases, 'error'), '`otherwise` and `error` are taken')
    .meta({ description: 'Name of an output -> expression; the value goes out at the first that is true, else at `otherwise`' }),
  with: withSchema,
});

const mergeParams = z.strictObject({ inputs: inputNamesSchema });

const portTypeSchema = z
  .string()
  .max(200)
  .refine((text) => isPortType(text), 'no port type; write e.g. json, image or tensor<float32,[1,4]>')
  .meta({ description: 'Port type of the value, e.g. json or tensor<float32,[1,4]>' });

function isPortType(text: string): boolean {
  try {
    return parsePortType(text).kind !== 'any';
  } catch {
    return false;
  }
}

/** Whether a value of this type can be written down: as JSON, or as one number that fills a tensor of known sides. */
export function canBeWritten(text: string, value: unknown): boolean {
  const type = parsePortType(text);
  if (type.kind === 'tensor') {
    const isWhole = !/^(float|bool|string)/.test(type.elementType);
    return type.shape.every((side) => typeof side === 'number') && typeof value === 'number' && (!isWhole || Number.isInteger(value));
  }
  if (type.kind === 'list') return Array.isArray(value) && value.every((each) => canBeWritten(formatItem(text), each));
  if (type.kind === 'text') return typeof value === 'object' && value !== null && 'text' in value;
  if (type.kind === 'detections' || type.kind === 'boxes') return Array.isArray(value);
  return type.kind === 'json';
}

function formatItem(list: string): string {
  return list
    .trim()
    .replace(/^list</, '')
    .replace(/>$/, '');
}

export const writtenValueMessage =
  'no value of this type: JSON for json, {text, confidence} for text, a list for lists, one number for a tensor whose sides are all numbers';

const delayParams = z
  .strictObject({
    type: portTypeSchema.default('json'),
    initial: z.json().optional().meta({ description: 'Given at the first item; without it nothing is. A number fills a tensor' }),
  })
  .refine(({ type, initial }) => initial === undefined || !isPortType(type) || canBeWritten(type, initial), {
    path: ['initial'],
    message: writtenValueMessage,
  });

const windowParams = z
  .strictObject({
    count: z.number().int().min(1).max(1024).optional().meta({ description: 'Items in a window; or say `ms`' }),
    step: z.number().int().min(1).max(1024).optional().meta({ description: 'Items from one window to the next; `count` without it' }),
    ms: z.number().int().min(1).max(3_600_000).optional().meta({ description: 'Length of a window in time' }),
    stepMs: z.number().int().min(1).max(3_600_000).optional().meta({ description: 'Time from one window to the next; `ms` without it' }),
  })
  .refine(({ count, ms }) => (count === undefined) !== (ms === undefined), { path: [], message: 'say `count` or `ms`, one of them' })
  .refine(({ count, step }) => step === undefined || count !== undefined, { path: ['step'], message: 'belongs to `count`' })
  .refine(({ ms, stepMs }) => stepMs === undefined || ms !== undefined, { path: ['stepMs'], message: 'belongs to `ms`' });

const joinParams = z.strictObject({
  inputs: z
    .array(variableNameSchema.refine((name) => name !== 'error', '`error` is what a node gives when it fails'))
    .min(2)
    .max(16)
    .refine((names) => new Set(names).size === names.length, 'each name once')
    .meta({ description: 'Names of the inputs, and of the outputs' }),
  windowMs: z.number().int().min(0).max(600_000).meta({ description: 'How far apart in time values may be that belong together' }),
  mode: z.enum(['inner', 'any', 'outer']).default('inner').meta({
    description:
      '`inner`: gives what is whole; `any`: gives each value at once, with what there is of the others in the window; `outer`: gives also what stayed alone, with an item that comes after the window',
  }),
});

/** How values go on: past a condition, one of several ways, together, later. */
export const flowOperators = {
  'flow.filter': {
    name: 'flow.filter',
    version: 1,
    summary: 'Lets a value through when an expression is true; otherwise nothing goes on behind it',
    inputs: { value: 'T' },
    outputs: { value: 'T' },
    params: filterParams,
    ports: (params: z.output<typeof filterParams>) => gate({ value: 'T' }, params.with),
    expressions: (params: z.output<typeof filterParams>) => [
      { path: ['when'], text: params.when, variables: ['value', ...params.with, ...itemVariables], result: 'boolean' },
    ],
  },
  'flow.switch': {
    name: 'flow.switch',
    version: 1,
    summary: 'Sends a value out at the first case whose expression is true, or at `otherwise`',
    inputs: { value: 'T' },
    outputs: { otherwise: 'T' },
    params: switchParams,
    ports: (params: z.output<typeof switchParams>) =>
      gate(Object.fromEntries([...Object.keys(params.cases), 'otherwise'].map((name) => [name, 'T'])), params.with),
    expressions: (params: z.output<typeof switchParams>) =>
      Object.entries(params.cases).map(([name, text]) => ({
        ...{ path: ['cases', name], text, variables: ['value', ...params.with, ...itemVariables] },
        result: 'boolean' as const,
      })),
  },
  'flow.merge': {
    name: 'flow.merge',
    version: 1,
    summary:
      'Joins branches again: with `join: any` on its node it gives what comes first, without it the first of its inputs that has a value',
    inputs: {},
    outputs: { value: 'T' },
    params: mergeParams,
    ports: ({ inputs }: z.output<typeof mergeParams>) => ({
      inputs: Object.fromEntries(inputs.map((name) => [name, 'T'])),
      ...{ outputs: { value: 'T' }, optional: inputs, wired: inputs },
    }),
  },
  'flow.delay': {
    name: 'flow.delay',
    version: 1,
    summary: 'Gives the value of the item before. The one place where edges may lead in a circle',
    inputs: { value: 'T' },
    outputs: { value: 'T' },
    params: delayParams,
    stateful: true,
    ports: ({ type }: z.output<typeof delayParams>) => ({ inputs: { value: type }, outputs: { value: type } }),
  },
  'flow.window': {
    name: 'flow.window',
    version: 1,
    summary: 'Gathers the values of several items of a stream: the last `count`, or those of a span of time',
    inputs: { value: 'T' },
    outputs: { values: 'list<T>' },
    params: windowParams,
    stateful: true,
  },
  'flow.collect': {
    name: 'flow.collect',
    version: 1,
    summary: 'Makes one list of several inputs, in their order; those that have no value for an item are left out, so that it may be empty',
    inputs: {},
    outputs: { values: 'list<T>' },
    params: mergeParams,
    ports: ({ inputs }: z.output<typeof mergeParams>) => ({
      inputs: Object.fromEntries(inputs.map((name) => [name, 'T'])),
      ...{ outputs: { values: 'list<T>' }, optional: inputs, wired: inputs },
    }),
  },
  'stream.join': {
    name: 'stream.join',
    version: 1,
    summary: 'Matches values of different streams by the time at which they were taken, such as the pictures of two cameras',
    inputs: {},
    outputs: {},
    params: joinParams,
    ...{ stateful: true, stateScope: 'node', joins: ['inner', 'outer'] },
    ports: ({ inputs }: z.output<typeof joinParams>) => ({
      ...{ inputs: anyTypes(inputs), outputs: anyTypes(inputs), optional: inputs, wired: inputs },
    }),
  },
} as const satisfies Record<string, OperatorSignature>;
