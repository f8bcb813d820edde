import { z } from 'zod';

interface FieldBase {
  name: string;
  description: string;
  isRequired: boolean;
  /** What holds where nothing is written. */
  fallback: unknown;
}

/** One parameter as a field of a form. What no other field can hold is written as YAML. */
export type ParamField = FieldBase &
  (
    | { kind: 'number'; isInteger: boolean; minimum: number | undefined; maximum: number | undefined }
    | { kind: 'flag' }
    | { kind: 'choice'; options: readonly (string | number)[] }
    | { kind: 'text' }
    /** A list of numbers, of `count` where it always has as many. */
    | { kind: 'numbers'; count: number | undefined }
    | { kind: 'texts' }
    /** Several of the options. */
    | { kind: 'choices'; options: readonly string[] }
    /** A list of [x, y]. */
    | { kind: 'points' }
    /** A file that belongs to a model: `{ model, asset }`. */
    | { kind: 'asset' }
    | { kind: 'object'; fields: readonly ParamField[] }
    /** An object of one of several forms, told apart by one of its keys. */
    | { kind: 'variants'; key: string; variants: readonly { value: string; fields: readonly ParamField[] }[] }
    /** A list of what `item` is. */
    | { kind: 'rows'; item: ParamField }
    /** Names that one chooses -> what `item` is. */
    | { kind: 'named'; item: ParamField }
    /** Any value; a word or a number for the most part. */
    | { kind: 'any' }
    | { kind: 'yaml' }
  );

/** The part of JSON Schema that parameters use. */
interface Property {
  type?: string | string[] | undefined;
  description?: string | undefined;
  default?: unknown;
  const?: string | number | boolean | undefined;
  enum?: (string | number)[] | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  exclusiveMinimum?: number | undefined;
  items?: Property | boolean | undefined;
  prefixItems?: Property[] | undefined;
  anyOf?: Property[] | undefined;
  oneOf?: Property[] | undefined;
  properties?: Record<string, Property> | undefined;
  required?: string[] | undefined;
  additionalProperties?: Property | boolean | undefined;
  /** Of JSON, which alone is described apart, since it holds itself. */
  $ref?: string | undefined;
}
const propertySchema: z.ZodType<Property> = z.lazy(() =>
  z.looseObject({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    description: z.string().optional(),
    default: z.unknown().optional(),
    const: z.union([z.string(), z.number(), z.boolean()]).optional(),
    enum: z.array(z.union([z.string(), z.number()])).optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    items: z.union([z.boolean(), propertySchema]).optional(),
    prefixItems: z.array(propertySchema).optional(),
    anyOf: z.array(propertySchema).optional(),
    oneOf: z.array(propertySchema).optional(),
    properties: z.record(z.string(), propertySchema).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([z.boolean(), propertySchema]).optional(),
    $ref: z.string().optional(),
  }),
);
/** JSON Schema says of every whole number that it is safe. */
const isStated = (limit: number | undefined): limit is number => limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;

/** The parameters that an operator, a source or a sink has, from its schema. */
export function paramFieldsOf(params: z.ZodType): readonly ParamField[] {
  const parsed = propertySchema.safeParse(z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }));
  return parsed.success ? fieldsOf(parsed.data) : [];
}

function fieldsOf({ properties = {}, required = [] }: Property, without?: string): ParamField[] {
  return Object.entries(properties)
    .filter(([name]) => name !== without)
    .map(([name, property]) => fieldOf(name, property, required.includes(name)));
}

function fieldOf(name: string, property: Property, isRequired: boolean): ParamField {
  const base = { name, description: property.description ?? '', isRequired, fallback: property.default };
  const options = property.enum ?? property.anyOf?.map((each) => each.const);
  if (options?.every((option) => typeof option === 'string' || typeof option === 'number'))
    return { ...base, kind: 'choice', options: options as (string | number)[] };
  const { type, minimum, maximum, exclusiveMinimum } = property;
  if (type === 'number' || type === 'integer') {
    const least = minimum ?? exclusiveMinimum;
    return {
      ...{ ...base, kind: 'number', isInteger: type === 'integer' },
      ...{ minimum: isStated(least) ? least : undefined, maximum: isStated(maximum) ? maximum : undefined },
    };
  }
  if (type === 'boolean') return { ...base, kind: 'flag' };
  if (type === 'string') return { ...base, kind: 'text' };
  if (property.$ref !== undefined) return { ...base, kind: 'any' };
  if (type === 'array') return { ...base, ...listKind(property) };
  return { ...base, ...objectKind(property) };
}

type KindOf<Field> = Field extends ParamField ? Omit<Field, keyof FieldBase> : never;
type Kind = KindOf<ParamField>;

function isNumber({ type }: Property): boolean {
  return type === 'number' || type === 'integer';
}

function isPoint({ prefixItems }: Property): boolean {
  return prefixItems?.length === 2 && prefixItems.every(isNumber);
}

function listKind({ prefixItems, items }: Property): Kind {
  if (prefixItems?.every(isNumber)) return { kind: 'numbers', count: prefixItems.length };
  if (prefixItems?.every(isPoint)) return { kind: 'points' };
  if (prefixItems !== undefined || items === undefined || typeof items === 'boolean') return { kind: 'yaml' };
  const alternatives = items.anyOf ?? [items];
  if (alternatives.every((each) => isNumber(each) || typeof each.const === 'number')) return { kind: 'numbers', count: undefined };
  if (isPoint(items)) return { kind: 'points' };
  if (items.type === 'string') return items.enum === undefined ? { kind: 'texts' } : { kind: 'choices', options: items.enum.map(String) };
  const item = fieldOf('', items, true);
  return item.kind === 'object' || item.kind === 'variants' ? { kind: 'rows', item } : { kind: 'yaml' };
}

function objectKind(property: Property): Kind {
  const { properties, additionalProperties, oneOf } = property;
  if (oneOf !== undefined) return variantsKind(oneOf);
  if (properties !== undefined) {
    const names = Object.keys(properties);
    return names.length === 2 && names.includes('model') && names.includes('asset')
      ? { kind: 'asset' }
      : { kind: 'object', fields: fieldsOf(property) };
  }
  if (additionalProperties === undefined || typeof additionalProperties === 'boolean') return { kind: 'yaml' };
  const item = fieldOf('', additionalProperties, true);
  return ['text', 'object', 'variants'].includes(item.kind) ? { kind: 'named', item } : { kind: 'yaml' };
}

/** Forms that have a key in common, of which each allows one value. */
function variantsKind(forms: readonly Property[]): Kind {
  const [first] = forms;
  const key = Object.keys(first?.properties ?? {}).find((name) =>
    forms.every((form) => typeof form.properties?.[name]?.const === 'string'),
  );
  if (key === undefined) return { kind: 'yaml' };
  return {
    kind: 'variants',
    key,
    variants: forms.map((form) => ({ value: String(form.properties?.[key]?.const), fields: fieldsOf(form, key) })),
  };
}

/** A first value of a field that has to have one, so that there is something to correct. */
export function firstValueOf(field: ParamField): unknown {
  switch (field.kind) {
    case 'number':
      return field.minimum ?? 0;
    case 'flag':
      return false;
    case 'choice':
      return field.options[0];
    case 'text':
      return '';
    case 'object':
      return firstValuesOf(field.fields);
    case 'variants': {
      const [first] = field.variants;
      return first === undefined ? {} : { [field.key]: first.value, ...firstValuesOf(first.fields) };
    }
    case 'points':
    case 'texts':
    case 'rows':
      return [];
    case 'numbers':
      return Array.from({ length: field.count ?? 0 }, () => 0);
    default:
      return null;
  }
}

/** Of the fields that need one and have none by default. */
export function firstValuesOf(fields: readonly ParamField[]): Record<string, unknown> {
  const needed = fields.filter(({ isRequired, fallback }) => isRequired && fallback === undefined);
  return Object.fromEntries(needed.map((field) => [field.name, firstValueOf(field)]));
}

/** Whether a value, as it is written, is what the field shows; else it is written as YAML. */
export function isShownBy({ kind, ...field }: ParamField, value: unknown): boolean {
  if (value === undefined) return true;
  const isList = Array.isArray(value);
  const isObject = typeof value === 'object' && value !== null && !isList;
  switch (kind) {
    case 'numbers':
      return isList && value.every((each) => typeof each === 'number');
    case 'texts':
    case 'choices':
      return isList && value.every((each) => typeof each === 'string');
    case 'points':
      return isList && value.every((each) => Array.isArray(each) && each.every((number) => typeof number === 'number'));
    case 'asset':
    case 'object':
    case 'named':
      return isObject;
    case 'any':
      return typeof value !== 'object' || value === null;
    case 'variants':
      return isObject && 'key' in field && Object.hasOwn(value, field.key);
    case 'rows':
      return isList && value.every((each) => typeof each === 'object' && each !== null);
    default:
      return true;
  }
}

/** The value stands for a parameter of the pipeline, `${name}`: whatever kind the field has, it is written as text then. */
export function isReference(value: unknown): value is string {
  return typeof value === 'string' && value.includes('${');
}

/** The parameter that a value stands for, where it stands for nothing else. */
export function parameterNamed(value: unknown): string | undefined {
  return typeof value === 'string' ? /^\$\{([^}]+)\}$/.exec(value)?.[1] : undefined;
}
