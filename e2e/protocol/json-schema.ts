import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Says in words what JSON Schema cannot: bytes of CBOR. Everything else that it cannot express becomes "anything". */
function describeBytes(context: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
  const { def } = context.zodSchema._zod;
  if (def.type === 'custom' && context.jsonSchema.description === undefined) context.jsonSchema.description = 'A CBOR byte string';
}

const options = { io: 'input', unrepresentable: 'any', override: describeBytes } as const;

/** One schema as a document of its own, JSON Schema 2020-12. What may be left out when writing is optional; unknown fields are allowed. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return withoutBounds(z.toJSONSchema(schema, { ...options, target: 'draft-2020-12' }));
}

/**
 * Schemas that refer to each other below `#/components/schemas/`, in the JSON Schema draft 7 that AsyncAPI builds on.
 * @param schemas name -> schema; those with an id of their own must stand under it
 */
export function componentSchemas(schemas: Readonly<Record<string, z.ZodType>>): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const answer = z.toJSONSchema(registry, { ...options, target: 'draft-7', uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(answer.schemas).map(([id, { $id: _id, $schema: _draft, id: _own, ...schema }]) => [id, withoutBounds(schema)]),
  );
}

/** Leaves out the bounds that only say "a safe integer": they are what JSON parsers do anyway, and hide the limits that matter. */
function withoutBounds(schema: object): JsonSchema {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    (key === 'maximum' && value === Number.MAX_SAFE_INTEGER) || (key === 'minimum' && value === Number.MIN_SAFE_INTEGER)
      ? undefined
      : value,
  );
  return JSON.parse(text) as JsonSchema;
}
