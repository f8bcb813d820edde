import type { PipelineGraph } from '@starling/shared';
import fc from 'fast-check';

/** What a node of a random graph does with the sum of what it gets. */
export interface NodeBehaviour {
  /** Port `out` stays away where the sum is a multiple of it; 0: never. Port `other` is there in just those cases. */
  absentEvery: number;
  /** Fails where the sum is a multiple of it; 0: never. */
  failEvery: number;
  /** Runs that fail before one succeeds, by sum; the node may be tried again. */
  flaky: boolean;
  /** Adds what it has summed up over the items of the stream. */
  isStateful: boolean;
  /** Milliseconds that a run takes; 0 answers at once. */
  durationMs: number;
  isDelay: boolean;
  optional: string[];
}

export interface RandomGraph {
  graph: PipelineGraph;
  behaviours: Record<string, NodeBehaviour>;
}

export interface GraphShape {
  /** Joins that depend on time: `any`, `outer`, several edges into one port. Otherwise queues, limits and state. */
  timed: boolean;
}

const INPUTS = ['a', 'b', 'c'];
const NODES_MAXIMUM = 9;

/** Numbers that decide everything about a graph, one after the other; then zeros. */
class Tape {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  draw(below: number): number {
    this.#at += 1;
    return (this.#numbers[this.#at - 1] ?? 0) % below;
  }

  chance(percent: number): boolean {
    return this.draw(100) < percent;
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.draw(values.length)] as Value;
  }
}

/** A graph as a tape of random numbers makes it: short tapes give small graphs, so that fast-check can shrink them. */
export function graphFrom(numbers: readonly number[], { timed }: GraphShape): RandomGraph {
  const tape = new Tape(numbers);
  const graph: PipelineGraph = { inputs: {}, outputs: {}, parameters: {}, nodes: {}, edges: [] };
  const random: RandomGraph = { graph, behaviours: {} };
  const ports: string[] = [];
  for (const input of INPUTS.slice(0, 1 + tape.draw(3))) {
    graph.inputs[input] = 'json';
    ports.push(`input.${input}`);
  }
  const count = 1 + tape.draw(NODES_MAXIMUM);
  const delays: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `n${index}`;
    if (!timed && tape.chance(12)) {
      addDelay(random, name);
      delays.push(name);
      ports.push(`${name}.out`);
    } else ports.push(...addNode(random, name, tape, ports, timed));
  }
  // A delay may close a cycle: its input comes from anywhere.
  for (const name of delays) graph.edges.push({ from: tape.pick(ports), to: `${name}.out` });
  for (let output = 0; output < 1 + tape.draw(3); output += 1) {
    graph.outputs[`o${output}`] = 'any';
    const wires = timed && tape.chance(30) ? 2 : 1;
    for (let wire = 0; wire < wires; wire += 1) graph.edges.push({ from: tape.pick(ports), to: `output.o${output}` });
  }
  return random;
}

function addDelay({ graph, behaviours }: RandomGraph, name: string): void {
  behaviours[name] = { absentEvery: 0, failEvery: 0, flaky: false, isStateful: false, durationMs: 0, isDelay: true, optional: [] };
  graph.nodes[name] = { op: 'flow.delay', params: {}, each: false, join: 'inner', triggersJoin: 'inner', on: 'device', onError: 'fail' };
}

/** @returns the ports that it gives */
function addNode({ graph, behaviours }: RandomGraph, name: string, tape: Tape, ports: readonly string[], timed: boolean): string[] {
  const behaviour: NodeBehaviour = {
    absentEvery: tape.chance(40) ? 2 + tape.draw(4) : 0,
    failEvery: tape.chance(25) ? 2 + tape.draw(5) : 0,
    flaky: !timed && tape.chance(15),
    isStateful: !timed && tape.chance(25),
    durationMs: durationFrom(tape, timed),
    isDelay: false,
    optional: [],
  };
  behaviours[name] = behaviour;
  const join = timed ? tape.pick(['inner', 'any', 'outer'] as const) : 'inner';
  const skips = !timed || tape.chance(50);
  graph.nodes[name] = {
    ...{ op: 'test', params: {}, each: false, join, triggersJoin: tape.chance(50) ? 'any' : 'inner', on: 'device' },
    onError: skips ? 'skip' : 'fail',
    ...(join === 'outer' && tape.chance(60) ? { joinWindowMs: 1 + tape.draw(900_001) } : {}),
    ...(behaviour.flaky ? { retry: { attempts: 3, delayMs: 3 } } : {}),
    ...(!timed && tape.chance(30) ? { concurrency: 1 + tape.draw(2) } : {}),
    ...(tape.chance(15) ? { triggers: [tape.pick(ports)] } : {}),
  } as PipelineGraph['nodes'][string];
  const inputs = 1 + tape.draw(3);
  for (let input = 0; input < inputs; input += 1) {
    const wires = timed && join === 'any' && tape.chance(30) ? 2 : 1;
    if (join === 'inner' && tape.chance(20)) behaviour.optional.push(`i${input}`);
    for (let wire = 0; wire < wires; wire += 1)
      graph.edges.push({ from: tape.pick(ports), to: `${name}.i${input}`, ...queueFrom(tape, timed) });
  }
  return [`${name}.out`, `${name}.other`, ...(skips && tape.chance(40) ? [`${name}.error`] : [])];
}

/** In timed graphs every way through the graph takes another time, so that nothing is there at the same moment by chance. */
function durationFrom(tape: Tape, timed: boolean): number {
  if (timed) return 1 + tape.draw(1_000_003);
  return tape.chance(50) ? 0 : 1 + tape.draw(50);
}

function queueFrom(tape: Tape, timed: boolean): { queue?: { length: number; policy: 'block' } } {
  return !timed && tape.chance(30) ? { queue: { length: 1 + tape.draw(3), policy: 'block' } } : {};
}

export const tape: fc.Arbitrary<number[]> = fc.array(fc.nat(1_000_000_000), { minLength: 1, maxLength: 160, size: 'max' });
