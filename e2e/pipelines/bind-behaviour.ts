import { StarlingError } from '@starling/shared';
import { expect } from 'vitest';
import type { BoundNode, OperatorItem, Values, VirtualClock } from '../../agent/src/core/pipelines/index.ts';
import { outcomeOf } from './naive-interpreter.ts';
import type { NodeBehaviour } from './random-graph.ts';

/** A node for the engine that does what its behaviour says, in the time of the clock. */
export function bindBehaviour(behaviour: NodeBehaviour, clock: VirtualClock): BoundNode {
  const tried = new Map<string, number>();
  const compute = (inputs: Values, item: OperatorItem): Values => {
    const outcome = outcomeOf(behaviour, inputs, behaviour.isStateful ? item.state(() => ({ sum: 0 })) : { sum: 0 });
    if (outcome === 'fails') throw new StarlingError('test-failed', 'it failed');
    return outcome;
  };
  const run = (inputs: Values, item: OperatorItem): Values | Promise<Values> => {
    if (behaviour.isDelay) return {};
    const key = `${item.stream} ${item.sequence}`;
    const before = tried.get(key) ?? 0;
    tried.set(key, before + 1);
    if (behaviour.flaky && before < item.sequence % 3) throw new StarlingError('flaky', 'not yet');
    if (behaviour.durationMs === 0) return compute(inputs, item);
    return new Promise((resolve) => clock.after(behaviour.durationMs, () => resolve(undefined))).then(() => compute(inputs, item));
  };
  return {
    work: { outputNames: behaviour.isDelay ? ['out'] : ['out', 'other'], run, runEach: async () => expect.unreachable() },
    optional: behaviour.optional,
    ...(behaviour.isStateful ? { state: 'stream' } : {}),
  };
}
