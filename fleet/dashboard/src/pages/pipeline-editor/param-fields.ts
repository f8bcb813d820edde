import { z } from 'zod';

interface FieldBase {
  name: string;
  description: string;
  isRequired: boolean;
  /** What holds where nothing is written. */
  fallback: unknown;
}

/** One parameter as a field of a form. What no simple field can hold is written as YAML. */
export type ParamField = FieldBase &
  (
    | { kind: 'number'; isInteger: boolean; minimum: number | undefined; maximum: number | undefined }
    | { kind: 'flag' }
    | { kind: 'choice'; options: readonly (string | number)[] }
    | { kind: 'text' }
    | { kind: 'yaml' }
  );

/** The part of JSON Schema that parameters use. */
const propertySchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.union([z.string(), z.number()])).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
});
const objectSchema = z.looseObject({
  properties: z.record(z.string(), propertySchema).default({}),
  required: z.array(z.string()).default([]),
});
/** JSON Schema says of every whole number that it is safe. */
const isStated = (limit: number | undefined): limit is number => limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;

/** The parameters that an operator, a source or a sink has, from its schema. */
export function paramFieldsOf(params: z.ZodType): ParamField[] {
  const parsed = objectSchema.safeParse(z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }));
  if (!parsed.success) return [];
  const { properties, required } = parsed.data;
  return Object.entries(properties).map(([name, property]) => {
    const base = { name, description: property.description ?? '', isRequired: required.includes(name), fallback: property.default };
    if (property.enum !== undefined) return { ...base, kind: 'choice', options: property.enum };
    const { type, minimum, maximum, exclusiveMinimum } = property;
    if (type === 'number' || type === 'integer') {
      const least = minimum ?? exclusiveMinimum;
      return {
        ...{ ...base, kind: 'number', isInteger: type === 'integer' },
        ...{ minimum: isStated(least) ? least : undefined, maximum: isStated(maximum) ? maximum : undefined },
      };
    }
    if (type === 'boolean') return { ...base, kind: 'flag' };
    return { ...base, kind: type === 'string' ? 'text' : 'yaml' };
  });
}

/** The value stands for a parameter of the pipeline, `${name}`: whatever kind the field has, it is written as text then. */
export function isReference(value: unknown): value is string {
  return typeof value === 'string' && value.includes('${');
}
