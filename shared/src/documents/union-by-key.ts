import { z } from 'zod';

type Alternatives = Readonly<Record<string, z.ZodObject>>;
type UnionOf<Kinds extends Alternatives> = z.ZodUnion<readonly Kinds[keyof Kinds][]>;

/**
 * Objects of several kinds, told apart by which of these keys they have. Errors are those of the kind that was meant: a plain union
 * says "Invalid input" for a letter too many.
 */
export function unionByKey<const Kinds extends Alternatives>(kinds: Kinds): UnionOf<Kinds> {
  const names = Object.keys(kinds);
  const union = z.union(Object.values(kinds) as unknown as readonly Kinds[keyof Kinds][]);
  const choose: (typeof union)['_zod']['run'] = (payload, context) => {
    const { value } = payload;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      payload.issues.push({ code: 'invalid_type', expected: 'object', input: value, inst: union });
      return payload;
    }
    const present = names.filter((name) => Object.hasOwn(value, name));
    const [only] = present;
    const schema = only === undefined || present.length > 1 ? undefined : kinds[only];
    if (schema !== undefined) return schema._zod.run(payload, context) as typeof payload;
    const keys = Object.keys(value);
    const message =
      present.length > 1
        ? `has ${present.join(' and ')}: it is one of them`
        : `has none of ${names.join(', ')}${keys.length === 0 ? '' : `, but ${keys.join(', ')}`}`;
    payload.issues.push({ code: 'custom', message, input: value, inst: union, params: { keys } });
    return payload;
  };
  // Both are asked, one by schemas around this one, the other where checks are added to it.
  union._zod.run = choose;
  union._zod.parse = choose;
  return union as unknown as UnionOf<Kinds>;
}
