import { StarlingError } from '../errors.ts';
import { suggest } from '../graph/nearest-name.ts';
import { SELECTOR_PARTS_MAXIMUM } from '../limits.ts';
import { type Condition, partsOf } from './selector.ts';

/**
 * Puts what groups say in place of their names, whatever the depth.
 * @param definitions what is known of groups, by name
 * @throws StarlingError `unknown-group`, `group-circle`, `selector-too-large`
 */
export function resolveGroups(condition: Condition, definitions: ReadonlyMap<string, Condition>): Condition {
  const done = new Map<string, Condition>();
  const resolve = (part: Condition, open: readonly string[]): Condition => {
    switch (part.kind) {
      case 'and':
      case 'or':
        return { kind: part.kind, parts: part.parts.map((each) => resolve(each, open)) };
      case 'not':
        return { kind: 'not', of: resolve(part.of, open) };
      case 'same':
        return { kind: 'same', left: resolve(part.left, open), right: resolve(part.right, open) };
      case 'group':
        return resolveGroup(part.name, open);
      default:
        return part;
    }
  };
  const resolveGroup = (name: string, open: readonly string[]): Condition => {
    const before = done.get(name);
    if (before !== undefined) return before;
    if (open.includes(name)) {
      const circle = [...open.slice(open.indexOf(name)), name].map((each) => `"${each}"`).join(' uses ');
      throw new StarlingError('group-circle', `groups use each other in a circle: ${circle}`, {
        field: 'select',
        hint: `take the group "${name}" out of one of them`,
      });
    }
    const definition = definitions.get(name);
    if (definition === undefined) {
      throw new StarlingError('unknown-group', `there is no group "${name}"`, {
        field: 'select',
        hint: suggest(name, definitions.keys(), 'groups'),
      });
    }
    const resolved = resolve(definition, [...open, name]);
    done.set(name, resolved);
    return resolved;
  };
  const resolved = resolve(condition, []);
  if (countParts(resolved) > SELECTOR_PARTS_MAXIMUM) {
    throw new StarlingError('selector-too-large', `with all its groups it has more than ${SELECTOR_PARTS_MAXIMUM} parts`, {
      field: 'select',
      hint: 'give devices a label of their own (starling device set --select ... --label name=value) and select that',
    });
  }
  return resolved;
}

/** Attack: each of thirty groups uses the one before it twice. A part that stands in many places is therefore counted once, and multiplied. */
function countParts(condition: Condition): number {
  const counts = new Map<Condition, number>();
  const count = (part: Condition): number => {
    const known = counts.get(part);
    if (known !== undefined) return known;
    const total = partsOf(part).reduce((sum, inner) => sum + count(inner), 1);
    counts.set(part, total);
    return total;
  };
  return count(condition);
}
