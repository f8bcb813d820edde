import type { OperatorParams } from '@starling/shared';
import { expressionOf, variablesOf } from './expression-cache.ts';
import type { OperatorRun } from './operator.ts';
import { writtenValue } from './written-value.ts';

export const filterValue: OperatorRun<OperatorParams<'flow.filter'>> = (inputs, params, _context, item) => {
  const names = ['value', ...params.with];
  const when = expressionOf(params, params.when, [...names, 'item'], { result: 'boolean' });
  return when(variablesOf(inputs, names, item)) === true ? { value: inputs['value'] } : {};
};

export const switchValue: OperatorRun<OperatorParams<'flow.switch'>> = (inputs, params, _context, item) => {
  const names = ['value', ...params.with];
  const variables = variablesOf(inputs, names, item);
  for (const [name, text] of Object.entries(params.cases)) {
    const when = expressionOf(params, text, [...names, 'item'], { result: 'boolean' });
    if (when(variables) === true) return { [name]: inputs['value'] };
  }
  return { otherwise: inputs['value'] };
};

export const mergeValues: OperatorRun<OperatorParams<'flow.merge'>> = (inputs, params) => {
  const first = params.inputs.find((name) => inputs[name] !== undefined);
  return first === undefined ? {} : { value: inputs[first] };
};

export const collectValues: OperatorRun<OperatorParams<'flow.collect'>> = (inputs, params) => ({
  values: params.inputs.map((name) => inputs[name]).filter((value) => value !== undefined),
});

/** Outside of a circle the value of the item before; inside of one the engine reads and writes it at two places of the item's way. */
export const delayValue: OperatorRun<OperatorParams<'flow.delay'>> = (inputs, { type, initial }, context, item) => {
  const state = item.state((): { value: unknown } => ({
    value: initial === undefined ? undefined : writtenValue(type, initial, context),
  }));
  const before = state.value;
  state.value = inputs['value'];
  return before === undefined ? {} : { value: before };
};

interface WindowState {
  kept: { timeMs: number; value: unknown }[];
  /** Items since the last window, or the time at which the next one ends. */
  next: number;
}

/** Values in one window of time. Attack: a stream of small values and an hour. */
const WINDOW_VALUES_MAXIMUM = 4096;

export const windowValues: OperatorRun<OperatorParams<'flow.window'>> = (inputs, params, _context, item) => {
  const { count, ms } = params;
  const state = item.state((): WindowState => ({ kept: [], next: ms === undefined ? (count ?? 1) : item.timeMs + ms }));
  const arrived = { timeMs: item.timeMs, value: inputs['value'] };
  if (ms !== undefined) return timeWindow(state, arrived, ms, params.stepMs ?? ms);
  state.kept.push(arrived);
  if (state.kept.length > (count ?? 1)) state.kept.shift();
  state.next -= 1;
  if (state.next > 0) return {};
  state.next = params.step ?? count ?? 1;
  return { values: state.kept.map(({ value }) => value) };
};

/** Windows end by the clock of the stream: the first item at or after an end gives what came before it. */
function timeWindow(state: WindowState, arrived: WindowState['kept'][number], ms: number, stepMs: number): Record<string, unknown> {
  const isOver = arrived.timeMs >= state.next;
  const end = state.next;
  const values = isOver ? state.kept.filter(({ timeMs }) => timeMs >= end - ms && timeMs < end).map(({ value }) => value) : [];
  if (isOver) {
    // A stream that paused has empty windows: none is given for them.
    state.next += stepMs * (Math.floor((arrived.timeMs - end) / stepMs) + 1);
    state.kept = state.kept.filter(({ timeMs }) => timeMs >= state.next - ms);
  }
  state.kept.push(arrived);
  if (state.kept.length > WINDOW_VALUES_MAXIMUM) state.kept.shift();
  return values.length > 0 ? { values } : {};
}
