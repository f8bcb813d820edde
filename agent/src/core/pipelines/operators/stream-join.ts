import type { OperatorParams } from '@starling/shared';
import type { OperatorRun } from './operator.ts';

interface Waiting {
  timeMs: number;
  value: unknown;
}

interface JoinState {
  /** Values that have not found their partners, oldest first, by input. */
  waiting: Map<string, Waiting[]>;
  /** What is whole or given up, and goes out with this item or a later one. */
  ready: Record<string, unknown>[];
}

/** Values that wait on one input. Attack: a stream that has no partner at all. */
const WAITING_MAXIMUM = 64;

/** Each item brings at most one set in and takes at most one out, so that what is ready stays as short as what waits. */
export const joinStreams: OperatorRun<OperatorParams<'stream.join'>> = (inputs, params, _context, item) => {
  const state = item.state((): JoinState => ({ waiting: new Map(params.inputs.map((name) => [name, []])), ready: [] }));
  const arrived = params.inputs.filter((name) => inputs[name] !== undefined);
  if (arrived.length === 0) return {};
  for (const name of arrived) {
    const line = state.waiting.get(name) ?? [];
    line.push({ timeMs: item.timeMs, value: inputs[name] });
    if (line.length > WAITING_MAXIMUM) line.shift();
    state.waiting.set(name, line);
  }
  if (params.mode === 'any') return withLatest(state, params, inputs, item.timeMs);
  const whole = takeWhole(state, params, item.timeMs);
  giveUp(state, params, item.timeMs);
  if (whole !== undefined) state.ready.push(whole);
  return state.ready.shift() ?? {};
};

type Params = OperatorParams<'stream.join'>;

/** Of each other input the value that is nearest in time, and within the window; all of them leave together. */
function takeWhole({ waiting }: JoinState, { inputs, windowMs }: Params, timeMs: number): Record<string, unknown> | undefined {
  const picked = inputs.map((name) => ({ name, index: nearest(waiting.get(name) ?? [], timeMs, windowMs) }));
  if (picked.some(({ index }) => index === undefined)) return undefined;
  return Object.fromEntries(
    picked.map(({ name, index }) => {
      const line = waiting.get(name) ?? [];
      const value = line[index ?? 0]?.value;
      // What came before it in its stream is too old for whatever comes next.
      line.splice(index ?? 0, 1);
      return [name, value];
    }),
  );
}

function nearest(line: readonly Waiting[], timeMs: number, windowMs: number): number | undefined {
  let best: number | undefined;
  for (const [index, each] of line.entries()) {
    const distance = Math.abs(each.timeMs - timeMs);
    if (distance > windowMs) continue;
    if (best === undefined || distance <= Math.abs((line[best]?.timeMs ?? 0) - timeMs)) best = index;
  }
  return best;
}

/** Values whose partners can no longer come: with `outer` those that belong together go out as they are. */
function giveUp(state: JoinState, { inputs, windowMs, mode }: Params, timeMs: number): void {
  const isOver = (each: Waiting): boolean => each.timeMs < timeMs - windowMs;
  while (mode === 'outer') {
    const oldest = Math.min(...inputs.map((name) => state.waiting.get(name)?.[0]?.timeMs ?? Number.POSITIVE_INFINITY));
    if (!isOver({ timeMs: oldest, value: undefined })) break;
    const set: Record<string, unknown> = {};
    for (const name of inputs) {
      const line = state.waiting.get(name) ?? [];
      const first = line[0];
      if (first === undefined || first.timeMs > oldest + windowMs) continue;
      set[name] = first.value;
      line.shift();
    }
    state.ready.push(set);
    if (state.ready.length > WAITING_MAXIMUM) state.ready.shift();
  }
  for (const name of inputs) {
    state.waiting.set(
      name,
      (state.waiting.get(name) ?? []).filter((each) => !isOver(each)),
    );
  }
}

/** What arrived, and the newest of the others within the window; they may be given again. */
function withLatest(state: JoinState, { inputs, windowMs }: Params, arrived: Readonly<Record<string, unknown>>, timeMs: number) {
  const set: Record<string, unknown> = {};
  for (const name of inputs) {
    const newest = (state.waiting.get(name) ?? []).findLast((each) => Math.abs(each.timeMs - timeMs) <= windowMs);
    state.waiting.set(name, newest === undefined ? [] : [newest]);
    const value = arrived[name] ?? newest?.value;
    if (value !== undefined) set[name] = value;
  }
  return set;
}
