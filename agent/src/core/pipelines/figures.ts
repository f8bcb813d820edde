import type { GraphFigures } from './graph-figures.ts';
import type { GraphPlan } from './plan.ts';

/** Counters of one graph, in arrays by index: they are touched at every visit. */
export class Counters {
  readonly runs: Float64Array;
  readonly totalMs: Float64Array;
  readonly failures: Float64Array;
  readonly skipped: Float64Array;
  readonly items: Float64Array;
  readonly absent: Float64Array;
  readonly dropped: Float64Array;
  readonly totalAgeMs: Float64Array;

  constructor({ nodes, slots }: GraphPlan) {
    [this.runs, this.totalMs, this.failures, this.skipped] = fourOf(nodes.length);
    [this.items, this.absent, this.dropped, this.totalAgeMs] = fourOf(slots.length);
  }

  /** Gives what was counted, and starts again at zero. @param waitingAt values that wait behind a slot now */
  take({ nodes, slots }: GraphPlan, waitingAt: (slot: number) => number): GraphFigures {
    const at = (array: Float64Array, index: number): number => array[index] ?? 0;
    const figures: GraphFigures = { nodes: {}, ports: {} };
    for (const { index, name, delay } of nodes) {
      if (delay?.role === 'write') continue;
      figures.nodes[name] = {
        runs: at(this.runs, index),
        totalMs: at(this.totalMs, index),
        failures: at(this.failures, index),
        skipped: at(this.skipped, index),
      };
    }
    slots.forEach(({ reference }, slot) => {
      figures.ports[reference] = {
        items: at(this.items, slot),
        absent: at(this.absent, slot),
        dropped: at(this.dropped, slot),
        waiting: waitingAt(slot),
        totalAgeMs: at(this.totalAgeMs, slot),
      };
    });
    for (const array of Object.values(this) as Float64Array[]) array.fill(0);
    return figures;
  }
}

function fourOf(length: number): [Float64Array, Float64Array, Float64Array, Float64Array] {
  return [new Float64Array(length), new Float64Array(length), new Float64Array(length), new Float64Array(length)];
}
