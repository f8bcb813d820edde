import { type OperatorName, type OperatorSignature, operatorSignatures, StarlingError } from '@starling/shared';
import { operators } from './index.ts';
import type { OperatorContext, OperatorItem, OperatorRun } from './operator.ts';

/** Where an item stands. What is left out follows from the item before it in its stream: the next number, `FRAME_MS` later. */
export interface ItemPlace {
  stream?: string;
  sequence?: number;
  timeMs?: number;
  signal?: AbortSignal;
}

export interface StartedOperator {
  /** One item: what the operator gives for it. Inputs that are left out stay away. */
  run(inputs: Readonly<Record<string, unknown>>, place?: ItemPlace): Promise<Record<string, unknown>>;
}

/** Between two frames at 25 a second. */
export const FRAME_MS = 40;
/** A round time in 2025, in milliseconds since 1970: small numbers would hide what large ones do to sums. */
export const FIRST_MS = 1_750_000_000_000;

/** A runtime without pictures and assets: most operators need neither. */
const bareContext: OperatorContext = {
  codec: { probe: refuse, decode: refuse, resize: refuse, encode: refuse },
  asset: refuse,
  allocateFloat32: (length) => new Float32Array(length),
};

/**
 * An operator as a node of a pipeline has it, for tests: parameters read by its schema, and one state for each stream, kept from item
 * to item.
 * @throws ZodError where the signature refuses the parameters
 */
export function startOperator(
  name: OperatorName,
  params: Readonly<Record<string, unknown>> = {},
  context: Partial<OperatorContext> = {},
): StartedOperator {
  const signature: OperatorSignature = operatorSignatures[name];
  const parsed = signature.params.parse(params);
  const run = operators[name] as OperatorRun<unknown>;
  const lent = { ...bareContext, ...context };
  const states = new Map<string, object>();
  const places = new Map<string, { sequence: number; timeMs: number }>();

  return {
    async run(inputs, place = {}) {
      const { stream = 'test', signal = new AbortController().signal } = place;
      const before = places.get(stream) ?? { sequence: -1, timeMs: FIRST_MS - FRAME_MS };
      const { sequence = before.sequence + 1, timeMs = before.timeMs + FRAME_MS } = place;
      places.set(stream, { sequence, timeMs });
      const item: OperatorItem = { stream, sequence, seenAs: sequence, timeMs, signal, state: (create) => stateOf(stream, create) };
      return run(inputs, parsed, lent, item);
    },
  };

  function stateOf<State extends object>(stream: string, create: () => State): State {
    if (signature.stateful !== true) {
      throw new StarlingError('not-stateful', `${name} keeps a state, and its signature does not say so`, {
        hint: 'say `stateful: true` in the signature',
      });
    }
    const state = states.get(stream) ?? create();
    states.set(stream, state);
    return state as State;
  }
}

async function refuse(): Promise<never> {
  throw new StarlingError('not-lent', 'this test lends the operator no codec and no assets', { hint: 'hand them to startOperator' });
}
