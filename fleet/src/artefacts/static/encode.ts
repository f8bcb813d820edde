import { StarlingError } from '@starling/shared';
import type { Ranges, ValueRange } from '../contracts.ts';
import { limits, type Parameters, parametersFor, roundHalfEven } from './integers.ts';
import type { TargetRules } from './targets.ts';
import { type Origin, rootOf, type Trace } from './trace.ts';

/** How a value is held as integers. Those of `ramp` and `clipped` are the integers of another value, cut off at `low` and `high`. */
export interface Encoding {
  origin: Origin;
  parameters: Parameters;
  low?: number;
  high?: number;
}

/** What values of other origins ask of the parameters of the value that they come from. */
interface Demand {
  includes: number[];
  grid: number | undefined;
}

/** A range may grow by this factor to serve a value that comes from it; beyond, that value gets integers of its own. */
const WIDENING_MAXIMUM = 1.5;
/** Steps on the way of a ramp from its middle to its end; with fewer, making its length a whole number of steps would coarsen the scale. */
const RAMP_STEPS_MINIMUM = 3;

/**
 * Gives every traced value its parameters.
 * @throws StarlingError `range-missing`, `range-not-finite`
 */
export function encodeValues({ origins, groups, relevant }: Trace, ranges: Ranges, rules: TargetRules): Map<string, Encoding> {
  const { activations: type, symmetric } = rules;
  const demands = new Map<string, Demand>();
  const own = new Map<string, ValueRange>();
  for (const [value, origin] of origins) if (origin.kind === 'own') own.set(value, cutOff(rangeOf(ranges, value), relevant.get(value)));
  for (const members of new Set(groups.values())) {
    const joint = [...members].map((member) => own.get(member) ?? { minimum: 0, maximum: 0 });
    const range = { minimum: Math.min(...joint.map(({ minimum }) => minimum)), maximum: Math.max(...joint.map(({ maximum }) => maximum)) };
    for (const member of members) own.set(member, range);
  }
  for (const origin of origins.values()) {
    if (origin.kind !== 'shifted' && origin.kind !== 'ramp') continue;
    const root = rootOf(origins, origin.from);
    const range = root === undefined ? undefined : own.get(root);
    if (root === undefined || range === undefined) continue;
    for (const member of groups.get(root) ?? [root]) demand(demands, member, range, origin);
  }
  const encodings = new Map<string, Encoding>();
  for (const [value, origin] of origins) encodings.set(value, encode(value, origin));
  return encodings;

  function encode(value: string, origin: Origin): Encoding {
    if (origin.kind === 'own') {
      const { minimum, maximum } = own.get(value) ?? { minimum: 0, maximum: 0 };
      const { includes = [], grid } = demands.get(value) ?? {};
      return {
        origin,
        parameters: parametersFor(Math.min(minimum, ...includes), Math.max(maximum, ...includes), { type, symmetric, grid }),
      };
    }
    const source = encodings.get(origin.from);
    if (source === undefined) throw missing(origin.from);
    const derived = derive(origin, source.parameters, rules);
    if (derived !== undefined) return { origin, ...derived };
    // Its range follows from what it is computed from.
    const { minimum, maximum } = origin.kind === 'ramp' ? { minimum: 0, maximum: 1 } : imageOf(origin, source.parameters, rules);
    return { origin: { kind: 'own' }, parameters: parametersFor(minimum, maximum, { type, symmetric }) };
  }
}

function rangeOf(ranges: Ranges, value: string): ValueRange {
  const range = ranges.get(value);
  if (range === undefined) throw missing(value);
  if (!Number.isFinite(range.minimum) || !Number.isFinite(range.maximum) || range.minimum > range.maximum) {
    throw new StarlingError('range-not-finite', `calibration gave "${value}" the range ${range.minimum} to ${range.maximum}`, {
      field: `ranges.${value}`,
      hint: 'the model computes NaN or infinity for a sample: check the samples and how they are prepared',
    });
  }
  return range;
}

function cutOff({ minimum, maximum }: ValueRange, relevant: ValueRange | undefined): ValueRange {
  if (relevant === undefined) return { minimum, maximum };
  const into = (number: number): number => Math.min(relevant.maximum, Math.max(relevant.minimum, number));
  return { minimum: into(minimum), maximum: into(maximum) };
}

function missing(value: string): StarlingError {
  return new StarlingError('range-missing', `there is no range of the value "${value}"`, {
    field: `ranges.${value}`,
    hint: 'calibrate all values that the quantiser names, on the model that is quantised',
  });
}

function demand(
  demands: Map<string, Demand>,
  root: string,
  range: ValueRange,
  { kind, factor, summand }: Origin & { factor: number; summand: number },
): void {
  if (!(factor > 0)) return;
  const known = demands.get(root) ?? { includes: [], grid: undefined };
  const wanted = -summand / factor;
  const includes = [...known.includes, wanted];
  const [from, to] = [Math.min(range.minimum, 0), Math.max(range.maximum, 0)];
  const width = Math.max(to, ...includes) - Math.min(from, ...includes);
  if (width > WIDENING_MAXIMUM * (to - from)) return;
  const grid = kind === 'ramp' ? summand / factor : undefined;
  demands.set(root, { includes, grid: known.grid ?? grid });
}

/** The parameters of a value that is another one in other terms; undefined if these cannot be had. */
function derive(origin: Origin, source: Parameters, { activations, symmetric }: TargetRules): Omit<Encoding, 'origin'> | undefined {
  const { low, high } = limits[activations];
  const integerOf = (value: number): number =>
    Math.min(high, Math.max(low, roundHalfEven((value - source.residual) / source.scale) + source.zeroPoint));
  switch (origin.kind) {
    case 'moved':
      return { parameters: source };
    case 'clipped':
      return { parameters: source, low: integerOf(origin.low), high: integerOf(origin.high) };
    case 'shifted':
    case 'ramp': {
      const { factor, summand } = origin;
      if (symmetric || !(factor > 0)) return undefined;
      const scale = Math.fround(source.scale * factor);
      const offset = factor * source.residual + summand;
      const steps = roundHalfEven(offset / scale);
      const parameters = { scale, zeroPoint: source.zeroPoint - steps, residual: offset - steps * scale };
      if (parameters.zeroPoint < low || parameters.zeroPoint > high) return undefined;
      if (origin.kind === 'shifted') return { parameters };
      if (steps < RAMP_STEPS_MINIMUM) return undefined;
      const end = parameters.zeroPoint + roundHalfEven((1 - parameters.residual) / scale);
      return { parameters, low: parameters.zeroPoint, high: Math.min(high, Math.max(low, end)) };
    }
    default:
      return undefined;
  }
}

function imageOf(origin: Origin, { scale, zeroPoint, residual }: Parameters, { activations }: TargetRules): ValueRange {
  const { factor, summand } = origin.kind === 'shifted' ? origin : { factor: 1, summand: 0 };
  const { low, high } = limits[activations];
  const ends = [low, high].map((integer) => factor * (scale * (integer - zeroPoint) + residual) + summand);
  return { minimum: Math.min(...ends), maximum: Math.max(...ends) };
}
