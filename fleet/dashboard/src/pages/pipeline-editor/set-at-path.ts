import type { ParamPath } from './param-context.ts';

/** The values with another at the path; without a value what stands there is left out. What lies on the way is made where it is missing. */
export function withValueAt(
  values: Readonly<Record<string, unknown>>,
  [first, ...rest]: ParamPath,
  value: unknown,
): Record<string, unknown> {
  if (first === undefined) return { ...values };
  const { [first]: before, ...others } = values as Record<string | number, unknown>;
  const next = rest.length === 0 ? value : changed(before, rest, value);
  return next === undefined ? others : { ...values, [first]: next };
}

function changed(before: unknown, path: ParamPath, value: unknown): unknown {
  const [first, ...rest] = path;
  if (typeof first !== 'number') return withValueAt(isRecord(before) ? before : {}, path, value);
  const list: unknown[] = Array.isArray(before) ? [...before] : [];
  const next = rest.length === 0 ? value : changed(list[first], rest, value);
  return next === undefined ? list.toSpliced(first, 1) : list.toSpliced(first, 1, next);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
