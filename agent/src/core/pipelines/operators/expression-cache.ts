import { compileExpression, type Expression, type ExpressionOptions, presentValue } from '@starling/shared';
import type { OperatorItem } from './operator.ts';

/**
 * Expressions of nodes, by the parameters that they stand in: those of a node are one object for as long as it is loaded, and what was
 * compiled for it goes with it.
 */
const compiled = new WeakMap<object, Map<string, Expression>>();

export function expressionOf(params: object, text: string, variables: readonly string[], options: ExpressionOptions = {}): Expression {
  const known = compiled.get(params) ?? new Map<string, Expression>();
  compiled.set(params, known);
  const expression = known.get(text) ?? compileExpression(text, variables, options);
  known.set(text, expression);
  return expression;
}

/** Values of an item's ports and the item itself, as expressions see them. */
export function variablesOf(
  inputs: Readonly<Record<string, unknown>>,
  names: readonly string[],
  { stream, sequence, timeMs }: OperatorItem,
): Record<string, unknown> {
  const values: Record<string, unknown> = { item: { stream, sequence, timeMs } };
  for (const name of names) values[name] = presentValue(inputs[name]);
  return values;
}
