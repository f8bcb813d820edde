import { ABSENT, type Item, PENDING, PRESENT } from './item.ts';
import type { PlannedInput, PlannedNode } from './plan.ts';

/** What is to be done about a node for an item, by what is known of its inputs. */
export type Readiness = 'wait' | 'run' | 'skip';

/** A port that several branches may give is there with the first, and stays away when all do. */
function stateOf({ wires }: PlannedInput, item: Item): number {
  if (wires.length === 1) return item.wires[wires[0] as number] as number;
  let state = ABSENT;
  for (const wire of wires) {
    const one = item.wires[wire];
    if (one === PRESENT) return PRESENT;
    if (one === PENDING) state = PENDING;
  }
  return state;
}

/** @param windowHasEnded the node is an `outer` join and does not wait any longer */
export function readinessOf(node: PlannedNode, item: Item, windowHasEnded: boolean): Readiness {
  const triggers = node.triggers.length === 0 ? 'run' : triggered(node, item);
  if (triggers === 'skip') return 'skip';
  const inputs = node.join === 'inner' ? allThere(node, item) : someThere(node, item, windowHasEnded);
  if (inputs === 'skip') return 'skip';
  return triggers === 'run' ? inputs : 'wait';
}

function triggered(node: PlannedNode, item: Item): Readiness {
  let present = 0;
  let absent = 0;
  for (const wire of node.triggers) {
    const state = item.wires[wire];
    if (state === PRESENT) present += 1;
    else if (state === ABSENT) absent += 1;
  }
  const { length } = node.triggers;
  if (node.triggersAny) return present > 0 ? 'run' : absent === length ? 'skip' : 'wait';
  return absent > 0 ? 'skip' : present === length ? 'run' : 'wait';
}

function allThere(node: PlannedNode, item: Item): Readiness {
  let waits = false;
  for (const input of node.inputs) {
    const state = stateOf(input, item);
    if (state === PENDING) waits = true;
    else if (state === ABSENT && !input.isOptional) return 'skip';
  }
  return waits ? 'wait' : 'run';
}

function someThere(node: PlannedNode, item: Item, windowHasEnded: boolean): Readiness {
  let present = 0;
  let pending = 0;
  for (const input of node.inputs) {
    const state = stateOf(input, item);
    if (state === PRESENT) present += 1;
    else if (state === PENDING) pending += 1;
  }
  if (present === 0) return pending === 0 && node.inputs.length > 0 ? 'skip' : pending > 0 ? 'wait' : 'run';
  return node.join === 'any' || pending === 0 || windowHasEnded ? 'run' : 'wait';
}

/** Whether an `outer` join has something and waits for more. */
export function hasSome(node: PlannedNode, item: Item): boolean {
  return node.inputs.some((input) => stateOf(input, item) === PRESENT);
}

/** The values that a node gets: of each port that is there, the first that came. */
export function gather(node: PlannedNode, item: Item, slotOfWire: (wire: number) => number): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  for (const { port, wires } of node.inputs) {
    const only = wires.length === 1 ? wires[0] : item.joined?.find((wire) => wires.includes(wire) && item.wires[wire] === PRESENT);
    if (only !== undefined && item.wires[only] === PRESENT) inputs[port] = item.values[slotOfWire(only)];
  }
  return inputs;
}
