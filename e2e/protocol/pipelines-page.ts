import {
  type OperatorSignature,
  operatorRegistry,
  simplePortTypes,
  sinkRegistry,
  sourceRegistry,
  tensorElementTypeSchema,
} from '@starling/shared';

import { exampleOf, type NodeRole } from './example-nodes.ts';
import { type JsonSchema, jsonSchemaOf } from './json-schema.ts';
import { table } from './markdown.ts';

/** What a pipeline may be made of: port types, and each operator with its ports and parameters, as the checks know them. */
export function pipelinesPage(): string {
  return [
    '# Pipelines: port types and operators',
    '',
    'What `starling pipeline check` checks against and every agent implements. A node of a pipeline names an operator, `{ op: image.decode }`,',
    'with `params` where it has some, or a model, whose ports are the tensors of its file. Edges join `node.port` to `node.port`;',
    'the document itself is described by [schemas/pipeline.json](schemas/pipeline.json), and a whole example stands in',
    '[first model](../guides/first-model.md#4-describe-the-pipeline).',
    '',
    '## Port types',
    '',
    table(
      ['type', 'what travels'],
      [
        ...Object.entries(simplePortTypes).map(([name, summary]) => [`\`${name}\``, summary]),
        ['`list<T>`', 'Any number of values of another type; a node with `each: true` runs once for each of them, and gives lists'],
        [
          '`tensor<T,[shape]>`',
          `Numbers, such as \`tensor<float32,[1,3,h,w]>\`. A dimension is a length, or a name where any length fits; T is one of ${tensorElementTypeSchema.options.map((option) => `\`${option}\``).join(', ')}`,
        ],
      ],
    ),
    '',
    '## Operators',
    ...[...operatorRegistry.values()].flatMap((operator) => sectionOf('op', operator)),
    '',
    '## Sources',
    '',
    'What a pipeline takes in by itself: a node `{ source: rtsp, params: ... }`. Each item of a source has values on its ports alone.',
    'How to use them stands in [sources and sinks](../guides/sources-and-sinks.md).',
    ...[...sourceRegistry.values()].flatMap(({ ports, ...source }) =>
      sectionOf('source', { ...source, inputs: {}, ...(ports === undefined ? {} : { ports: ports as OperatorSignature['ports'] }) }),
    ),
    '',
    '## Sinks',
    '',
    'What takes values out of a pipeline: a node `{ sink: webhook, params: ... }`. One that does not keep them on the device sends only where',
    'the release names its node.',
    ...[...sinkRegistry.values()].flatMap(({ isLocal: _isLocal, ...sink }) => sectionOf('sink', { ...sink, outputs: {} })),
    '',
  ].join('\n');
}

function sectionOf(role: NodeRole, signature: OperatorSignature): string[] {
  const { name, version, summary, inputs, outputs, params, optional = [], ports } = signature;
  const { properties = {}, required = [] } = jsonSchemaOf(params) as { properties?: Record<string, JsonSchema>; required?: string[] };
  const rows = Object.entries(properties).flatMap(([param, schema]) => rowsOf(param, schema, required.includes(param)));
  return [
    '',
    `### \`${name}\``,
    '',
    `${summary}. Version ${version}.`,
    '',
    ...(Object.keys(inputs).length === 0 ? [] : [`- takes ${portsOf(inputs, optional)}`]),
    ...(Object.keys(outputs).length === 0 ? [] : [`- gives ${portsOf(outputs, [])}`]),
    ...(ports === undefined ? [] : ['- some ports, or their types, follow from the parameters']),
    '',
    rows.length === 0 ? 'No parameters.' : table(['parameter', 'type', 'default', 'what'], rows),
    ...exampleOf(role, name),
  ];
}

/** A parameter; below it what its objects hold. */
function rowsOf(name: string, schema: JsonSchema, isRequired: boolean): string[][] {
  const item = schema.type === 'array' ? (schema.items as JsonSchema) : schema;
  const properties = typeof item === 'object' ? (item.properties as Record<string, JsonSchema> | undefined) : undefined;
  const needed = (typeof item === 'object' ? (item.required as string[] | undefined) : undefined) ?? [];
  const inside = Object.entries(properties ?? {}).flatMap(([key, each]) =>
    rowsOf(`${name}${schema.type === 'array' ? '[]' : ''}.${key}`, each, needed.includes(key)),
  );
  const fallback = schema.default === undefined ? '–' : code(schema.default);
  return [[`\`${name}\``, typeOf(schema), isRequired ? 'required' : fallback, String(schema.description ?? '')], ...inside];
}

function portsOf(ports: Readonly<Record<string, string>>, optional: readonly string[]): string {
  return Object.entries(ports)
    .map(([port, type]) => `\`${port}\`: \`${type}\`${optional.includes(port) ? ' (may stay away)' : ''}`)
    .join(', ');
}

/** A parameter as people write it: its choices, its type with the bounds, or the fields of an object. */
function typeOf(schema: JsonSchema): string {
  const { type, minimum, maximum, exclusiveMinimum, properties, prefixItems, items, anyOf } = schema;
  if (Array.isArray(schema.enum)) return schema.enum.map(code).join(', ');
  if (schema.const !== undefined) return code(schema.const);
  if (Array.isArray(anyOf)) return anyOf.map(typeOf).join(' or ');
  if (type === undefined) return 'any value';
  if (type === 'object' && properties === undefined)
    return `{ NAME: ${namedOf(schema.additionalProperties as JsonSchema | undefined)}, ... }`;
  if (type === 'object') return `{ ${Object.keys(properties ?? {}).join(', ')} }`;
  if (Array.isArray(prefixItems)) return `${prefixItems.length} ${severalOf(prefixItems[0] as JsonSchema)}`;
  if (type === 'array') return `list of ${severalOf(items as JsonSchema)}`;
  const least = minimum ?? (type === 'integer' && typeof exclusiveMinimum === 'number' ? exclusiveMinimum + 1 : undefined);
  if (least !== undefined && maximum !== undefined) return `${type}, ${least} to ${maximum}`;
  if (maximum !== undefined) return `${type}, at most ${maximum}`;
  if (least !== undefined) return `${type}, at least ${least}`;
  return exclusiveMinimum === undefined ? String(type) : `${type}, above ${exclusiveMinimum}`;
}

/** What stands below names that one chooses; where it has several forms, what tells them apart. */
function namedOf(schema: JsonSchema | undefined): string {
  const forms = schema?.oneOf as JsonSchema[] | undefined;
  if (schema === undefined || forms === undefined) return schema === undefined ? 'any value' : typeOf(schema);
  const kinds = forms.map(({ properties }) =>
    Object.entries((properties ?? {}) as Record<string, JsonSchema>).find(([, each]) => each.const !== undefined),
  );
  return kinds.map((kind) => (kind === undefined ? 'an object' : `{ ${kind[0]}: ${String(kind[1].const)}, ... }`)).join(' or ');
}

function severalOf(schema: JsonSchema): string {
  if (schema.enum !== undefined || schema.const !== undefined || typeof schema.type !== 'string') return typeOf(schema);
  if (schema.type === 'array')
    return Array.isArray(schema.prefixItems) ? `lists of ${typeOf(schema)}` : `${typeOf(schema).replace('list', 'lists')}`;
  return schema.type === 'object' ? typeOf(schema) : `${schema.type}s`;
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
