import { StarlingError } from '../errors.ts';
import type { Comparison, Condition, Operand, SelectableDevice } from './selector.ts';
import { compareVersions } from './versions.ts';

/**
 * Does a device match? The same as the database says, without one.
 * @throws StarlingError `unresolved-group` for a group that was not put in before
 */
export function matchesSelector(condition: Condition, device: SelectableDevice): boolean {
  switch (condition.kind) {
    case 'constant':
      return condition.value;
    case 'and':
      return condition.parts.every((part) => matchesSelector(part, device));
    case 'or':
      return condition.parts.some((part) => matchesSelector(part, device));
    case 'not':
      return !matchesSelector(condition.of, device);
    case 'same':
      return matchesSelector(condition.left, device) === matchesSelector(condition.right, device);
    case 'online':
      return device.online;
    case 'agent-version':
      return compareAs('version', condition.operator, device.agentVersion, condition.than);
    case 'compare':
      return compareAs(condition.as, condition.operator, read(condition.left, device), read(condition.right, device));
    case 'one-of':
      return condition.of.some((one) => compareAs(condition.as, '==', read(condition.value, device), one));
    case 'part-of-text':
      return textOf(condition.value, device)[partTests[condition.test]](textOf(condition.part, device));
    case 'has-label':
      return Object.hasOwn(device.labels, textOf(condition.label, device));
    case 'has-provider':
      return device.providers.includes(textOf(condition.provider, device));
    case 'group':
      throw new StarlingError('unresolved-group', `the group "${condition.name}" was not looked up`);
  }
}

const partTests = { startsWith: 'startsWith', endsWith: 'endsWith', contains: 'includes' } as const;

/** Compares two values in the order of their kind. */
export function compareAs(
  kind: 'text' | 'number' | 'version',
  operator: Comparison,
  left: string | number,
  right: string | number,
): boolean {
  const order = orderOf(kind, left, right);
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function orderOf(kind: 'text' | 'number' | 'version', left: string | number, right: string | number): number {
  if (kind === 'version') return compareVersions(String(left), String(right));
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function read(operand: Operand, device: SelectableDevice): string | number {
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'label':
      return Object.hasOwn(device.labels, operand.label) ? (device.labels[operand.label] ?? '') : '';
    case 'text':
    case 'number':
      return device[operand.field];
  }
}

function textOf(operand: Operand, device: SelectableDevice): string {
  return String(read(operand, device));
}
