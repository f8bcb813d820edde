/**
 * Lets the items of a graph into one node in the order in which they came in, a few at a time.
 *
 * INVARIANTS
 * - Every item of a lane passes every gate once: by `enter` and `done`, or, where its node is skipped, by `done` alone.
 * - Tickets of a lane are 0, 1, 2, ... without gaps; an item starts only when all with lower tickets have started or passed.
 * - So the oldest item of a graph is never held up by a younger one, and no two items can wait for each other.
 */
export interface Gate {
  /** Calls `run` when it is the turn of the ticket and there is room: at once, or from a later `done`. */
  enter(lane: string, ticket: number, run: () => void): void;
  /** The item has left the node, or will never come to it. */
  done(lane: string, ticket: number): void;
  /** The limits are wider than before. */
  widened(): void;
  /** Nothing of a lane is under way any more: its tickets start again at 0. */
  forget(lane: string): void;
}

interface Lane {
  next: number;
  waiting: Map<number, () => void>;
  passed: Set<number>;
  running: Set<number>;
}

/** @param limits items at once: of one lane, and of all together */
export function createGate(limits: { lane: number; all: number }): Gate {
  const lanes = new Map<string, Lane>();
  const stalled = new Set<Lane>();
  let running = 0;

  const laneOf = (name: string): Lane => {
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = { next: 0, waiting: new Map(), passed: new Set(), running: new Set() };
      lanes.set(name, lane);
    }
    return lane;
  };
  const advance = (lane: Lane): void => {
    for (;;) {
      if (lane.passed.delete(lane.next)) {
        lane.next += 1;
        continue;
      }
      const run = lane.waiting.get(lane.next);
      if (run === undefined || lane.running.size >= limits.lane) return;
      if (running >= limits.all) {
        stalled.add(lane);
        return;
      }
      lane.waiting.delete(lane.next);
      lane.running.add(lane.next);
      running += 1;
      lane.next += 1;
      run();
    }
  };
  const advanceStalled = (): void => {
    for (const other of [...stalled]) {
      if (running >= limits.all) break;
      stalled.delete(other);
      advance(other);
    }
  };
  return {
    enter(name, ticket, run) {
      const lane = laneOf(name);
      lane.waiting.set(ticket, run);
      if (ticket === lane.next) advance(lane);
    },
    done(name, ticket) {
      const lane = laneOf(name);
      if (lane.running.delete(ticket)) running -= 1;
      else {
        lane.waiting.delete(ticket);
        lane.passed.add(ticket);
      }
      advance(lane);
      advanceStalled();
    },
    widened: advanceStalled,
    forget: (name) => void lanes.delete(name),
  };
}
