import type { OperatorParams } from '@starling/shared';
import { type BackgroundHolder, compareWithBackground, type Difference } from './motion-background.ts';
import type { OperatorContext, OperatorItem } from './operator.ts';
import { imageOf } from './values.ts';

type Inputs = Readonly<Record<string, unknown>>;

export function measureMotion(inputs: Inputs, params: OperatorParams<'motion.measure'>, _context: OperatorContext, item: OperatorItem) {
  const holder = item.state((): BackgroundHolder => ({ background: undefined }));
  return { motion: compareWithBackground(holder, imageOf(inputs, 'image'), params, item.timeMs) };
}

interface GateState extends BackgroundHolder {
  /** While images pass. */
  sinceMs: number | undefined;
  movedMs: number;
}

export function gateMotion(inputs: Inputs, params: OperatorParams<'motion.gate'>, _context: OperatorContext, item: OperatorItem) {
  const image = imageOf(inputs, 'image');
  const state = item.state((): GateState => ({ background: undefined, sinceMs: undefined, movedMs: 0 }));
  const motion = compareWithBackground(state, image, params, item.timeMs);
  if (motion.warm && motion.area >= params.minimumArea) state.movedMs = item.timeMs;
  else if (state.sinceMs === undefined) return {};
  else if (item.timeMs - state.movedMs > params.holdMs) return { event: end(state, item.timeMs) };
  return state.sinceMs === undefined ? { image, event: start(state, motion, item.timeMs) } : { image };
}

function start(state: GateState, { area, box }: Difference, timeMs: number) {
  state.sinceMs = timeMs;
  return { event: 'start', timeMs, area, box };
}

function end(state: GateState, timeMs: number) {
  const durationMs = state.movedMs - (state.sinceMs ?? state.movedMs);
  state.sinceMs = undefined;
  return { event: 'end', timeMs, durationMs };
}
