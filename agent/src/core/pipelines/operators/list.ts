import { type OperatorParams, presentValue, StarlingError } from '@starling/shared';
import { expressionOf, variablesOf } from './expression-cache.ts';
import type { OperatorItem, OperatorRun } from './operator.ts';
import { writtenValue } from './written-value.ts';

type Inputs = Readonly<Record<string, unknown>>;

function listOf(inputs: Inputs, port: string): unknown[] {
  const value = inputs[port];
  if (!Array.isArray(value)) throw new StarlingError('wrong-value', `input "${port}" is no list`, { field: port });
  return value;
}

/** What an expression says of each item of a list. */
function ask(inputs: Inputs, names: readonly string[], item: OperatorItem, evaluate: (values: Inputs) => unknown): unknown[] {
  const shared = variablesOf(inputs, names, item);
  return listOf(inputs, 'values').map((value, index) => evaluate({ ...shared, value: presentValue(value), index }));
}

export const filterList: OperatorRun<OperatorParams<'list.filter'>> = (inputs, params, _context, item) => {
  const when = expressionOf(params, params.when, ['value', 'index', 'item', ...params.with], { result: 'boolean' });
  const kept = ask(inputs, params.with, item, when);
  return { values: listOf(inputs, 'values').filter((_, index) => kept[index] === true) };
};

export const mapList: OperatorRun<OperatorParams<'list.map'>> = (inputs, params, _context, item) => {
  const give = expressionOf(params, params.give, ['value', 'index', 'item', ...params.with]);
  return { values: ask(inputs, params.with, item, give) };
};

export const sortList: OperatorRun<OperatorParams<'list.sort'>> = (inputs, params, _context, item) => {
  const keys = ask(inputs, [], item, expressionOf(params, params.by, ['value', 'index', 'item'])).map((key) => {
    if (typeof key === 'string' || typeof key === 'number') return key;
    throw new StarlingError('expression-failed', `"${params.by}" answered ${JSON.stringify(key)}, which has no order`, { field: 'by' });
  });
  const values = listOf(inputs, 'values');
  const order = values.map((_, index) => index).toSorted((left, right) => compare(keys[left], keys[right]) * (params.descending ? -1 : 1));
  return { values: order.slice(0, params.count).map((index) => values[index]) };
};

/** Numbers before texts, and texts by their characters alone: the same order on every device. */
function compare(left: string | number | undefined, right: string | number | undefined): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [first, second] = [String(left), String(right)];
  if (typeof left !== typeof right) return typeof left === 'number' ? -1 : 1;
  return first < second ? -1 : Number(first > second);
}

export const firstOfList: OperatorRun<OperatorParams<'list.first'>> = (inputs) => {
  const [value] = listOf(inputs, 'values');
  return value === undefined ? {} : { value };
};

export const countList: OperatorRun<OperatorParams<'list.count'>> = (inputs) => ({ count: listOf(inputs, 'values').length });

export const flattenLists: OperatorRun<OperatorParams<'list.flatten'>> = (inputs) => ({
  values: listOf(inputs, 'lists').flatMap((list) => listOf({ lists: list }, 'lists')),
});

export const computeValue: OperatorRun<OperatorParams<'value.compute'>> = (inputs, params, _context, item) => ({
  value: expressionOf(params, params.give, [...params.inputs, 'item'])(variablesOf(inputs, params.inputs, item)),
});

export const constantValue: OperatorRun<OperatorParams<'value.constant'>> = (_inputs, { type, value }, context) => ({
  value: writtenValue(type, value, context),
});
