import type { OperatorParams } from '@starling/shared';
import type { OperatorContext, OperatorItem } from './operator.ts';
import { isSameValue } from './same-value.ts';

type Inputs = Readonly<Record<string, unknown>>;

interface SampleState {
  count: number;
  /** When the next may pass. */
  dueMs: number;
}

export function sampleFlow(inputs: Inputs, params: OperatorParams<'flow.sample'>, _context: OperatorContext, item: OperatorItem) {
  const state = item.state((): SampleState => ({ count: 0, dueMs: item.timeMs }));
  return isSampled(state, params, item.timeMs) ? { value: inputs['value'] } : {};
}

function isSampled(state: SampleState, { every, perSecond = 1 }: OperatorParams<'flow.sample'>, timeMs: number): boolean {
  if (every !== undefined) {
    state.count = (state.count % every) + 1;
    return state.count === 1;
  }
  if (timeMs < state.dueMs) return false;
  const periodMs = 1000 / perSecond;
  // From when it was due, not from when it came: else a source of 30 a second would give 7.5 where 10 are asked for. After a pause
  // nothing is made up for.
  state.dueMs = Math.max(state.dueMs + periodMs, timeMs + periodMs / 2);
  return true;
}

/** What is compared: the value, or what stands for it. */
function keyOf(inputs: Inputs): unknown {
  return inputs['key'] === undefined ? inputs['value'] : inputs['key'];
}

interface DebounceState {
  key: unknown;
  items: number;
  sinceMs: number;
  /** The last that passed; in a list, so that none is not the value `undefined`. */
  passed: [unknown] | [];
}

export function debounceFlow(inputs: Inputs, params: OperatorParams<'flow.debounce'>, _context: OperatorContext, item: OperatorItem) {
  const key = keyOf(inputs);
  const state = item.state((): DebounceState => ({ key, items: 0, sinceMs: item.timeMs, passed: [] }));
  if (!isSameValue(state.key, key)) Object.assign(state, { key, items: 0, sinceMs: item.timeMs });
  state.items += 1;
  if (state.items < params.items || item.timeMs - state.sinceMs < params.stableMs) return {};
  if (params.onChange && state.passed.length > 0 && isSameValue(state.passed[0], key)) return {};
  state.passed = [key];
  return { value: inputs['value'] };
}

interface ChangedState {
  key: [unknown] | [];
  passedMs: number;
}

export function passChanged(inputs: Inputs, params: OperatorParams<'flow.changed'>, _context: OperatorContext, item: OperatorItem) {
  const state = item.state((): ChangedState => ({ key: [], passedMs: item.timeMs }));
  const key = keyOf(inputs);
  const isFirst = state.key.length === 0;
  const isSame = !isFirst && isSameValue(state.key[0], key);
  state.key = [key];
  const isDue = params.repeatMs !== undefined && item.timeMs - state.passedMs >= params.repeatMs;
  if (isFirst ? !params.first : isSame && !isDue) return {};
  state.passedMs = item.timeMs;
  return { value: inputs['value'] };
}
