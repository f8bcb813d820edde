import { z } from 'zod';
import { pipelineFileSchema } from '../documents/pipeline.ts';
import { operatorRegistry } from './operators/index.ts';
import { simplePortTypes } from './port-types.ts';
import { sinkRegistry } from './sinks/index.ts';
import { sourceRegistry } from './sources/index.ts';

type JsonSchema = { [key: string]: unknown; properties?: Record<string, JsonSchema>; required?: string[] };

/** What a node names, and what it then takes as `params`. */
interface Named {
  name: string;
  summary: string;
  params: z.ZodType;
}

const options = {
  io: 'input',
  target: 'draft-7',
  unrepresentable: 'any',
  /** Leaves out the bounds that only say "a safe integer". */
  override({ jsonSchema }: { jsonSchema: { maximum?: unknown; minimum?: unknown } }): void {
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  },
} as const;

/**
 * The JSON Schema of a pipeline file for editors, in the draft that they know best: what there is to name, each with its summary and
 * its own parameters, and what the command line puts into the document: scripts and pipelines in files of their own.
 */
export function pipelineJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(pipelineFileSchema, { ...options, reused: 'ref' }) as JsonSchema;
  const kinds: Record<string, Named[]> = {
    op: [...operatorRegistry.values()],
    source: [...sourceRegistry.values()],
    sink: [...sinkRegistry.values()],
  };
  return { ...(refine(schema, kinds) as JsonSchema), title: 'Starling pipeline' };
}

/** Where a port has its type: those that there are, for editors to complete; lists and tensors are made of others. */
const portType: JsonSchema = {
  type: 'string',
  maxLength: 200,
  examples: [...Object.keys(simplePortTypes), 'list<image>', 'list<json>', 'tensor<float32,[1,3,h,w]>'],
};

function refine(value: unknown, kinds: Record<string, Named[]>): unknown {
  if (Array.isArray(value)) return value.map((each) => refine(each, kinds));
  if (typeof value !== 'object' || value === null) return value;
  const schema = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, refine(each, kinds)])) as JsonSchema;
  const { properties, required = [] } = schema;
  if (/-> port type$/.test(String(schema['description']))) return { ...schema, additionalProperties: portType };
  if (properties === undefined) return schema;
  for (const [kind, named] of Object.entries(kinds)) {
    if (required.includes(kind) && properties['params'] !== undefined) return nodeOf(schema, kind, named);
  }
  if (required.includes('script')) return { ...schema, description: 'Own code, in a sandbox' };
  if (required.includes('source') && properties['cpuMs'] !== undefined) return scriptOf(schema);
  if (required.includes('pipeline') && properties['params'] !== undefined) return innerOf(schema);
  return schema;
}

/** A node whose parameters follow from what it names. */
function nodeOf(schema: JsonSchema, kind: string, named: readonly Named[]): JsonSchema {
  const names = named.map(({ name, summary }) => ({ const: name, description: summary }));
  return {
    ...schema,
    properties: { ...schema.properties, [kind]: { ...schema.properties?.[kind], anyOf: names } },
    allOf: named.map(({ name, params }) => ({
      if: { properties: { [kind]: { const: name } }, required: [kind] },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema; nobody awaits this object
      then: { properties: { params: withPlaceholders(params) } },
    })),
  };
}

/** Every parameter may also be `${name}`, whatever its type. */
function withPlaceholders(params: z.ZodType): JsonSchema {
  const { $schema: _draft, ...schema } = z.toJSONSchema(params, options) as JsonSchema;
  const properties = Object.entries(schema.properties ?? {}).map(([name, each]): [string, JsonSchema] => {
    const { description, default: usual, ...rest } = each;
    const said = { ...(description === undefined ? {} : { description }), ...(usual === undefined ? {} : { default: usual }) };
    return [name, { ...said, anyOf: [rest, { type: 'string', pattern: '\\$\\{[^}]+\\}' }] }];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** A script in a file of its own, which the command line puts in. */
function scriptOf({ required = [], ...schema }: JsonSchema): JsonSchema {
  const file = { type: 'string', description: 'File of the script, from where the pipeline is; its text is put in as `source`' };
  return {
    ...schema,
    properties: { file, ...schema.properties },
    required: required.filter((name) => name !== 'source'),
    oneOf: [{ required: ['source'] }, { required: ['file'] }],
  };
}

/** A pipeline in a file of its own, or one that was published. */
function innerOf(schema: JsonSchema): JsonSchema {
  const pipeline = {
    type: 'string',
    description: 'Key in `pipelines`; or a file such as ./other.yaml, or name@version of a published one, which are put there',
  };
  return { ...schema, properties: { ...schema.properties, pipeline } };
}
