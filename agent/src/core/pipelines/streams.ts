/** Streams whose items have all left are forgotten beyond this number, the one that was silent for longest first: their state goes with them. */
const STREAMS_MAXIMUM = 256;

interface Stream {
  next: number;
  underWay: number;
  /** When its newest item was taken. */
  timeMs: number;
  /** What the nodes of the graph keep of it, by node. */
  states: Map<number, object>;
}

/** The streams of one graph: numbers their items, and keeps what nodes remember of each. */
export interface Streams {
  /** @returns its turn among the items of its stream, without gaps, and its time, which never goes back */
  enter(stream: string, timeMs: number): { turn: number; timeMs: number };
  leave(stream: string): void;
  /** What a node keeps of a stream. */
  stateOf<State extends object>(stream: string, node: number, create: () => State): State;
  dropState(stream: string, node: number): void;
}

/** @param onForgotten nothing of the stream is under way, and its numbers start again at 0 */
export function createStreams(onForgotten: (stream: string) => void): Streams {
  // Least lately used first.
  const streams = new Map<string, Stream>();
  const forgetIdle = (): void => {
    for (const [name, { underWay }] of streams) {
      if (streams.size <= STREAMS_MAXIMUM) return;
      if (underWay > 0) continue;
      streams.delete(name);
      onForgotten(name);
    }
  };
  return {
    enter(name, timeMs) {
      const stream = streams.get(name) ?? { next: 0, underWay: 0, timeMs, states: new Map() };
      streams.delete(name);
      streams.set(name, stream);
      stream.underWay += 1;
      stream.timeMs = Math.max(stream.timeMs, timeMs);
      stream.next += 1;
      if (streams.size > STREAMS_MAXIMUM) forgetIdle();
      return { turn: stream.next - 1, timeMs: stream.timeMs };
    },
    leave(name) {
      const stream = streams.get(name);
      if (stream !== undefined) stream.underWay -= 1;
    },
    stateOf<State extends object>(name: string, node: number, create: () => State): State {
      const states = streams.get(name)?.states;
      const known = states?.get(node);
      if (known !== undefined) return known as State;
      const made = create();
      states?.set(node, made);
      return made;
    },
    dropState: (name, node) => void streams.get(name)?.states.delete(node),
  };
}
