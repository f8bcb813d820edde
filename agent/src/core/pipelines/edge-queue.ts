import type { QueuePolicy } from '@starling/shared';

/** A value that waits on an edge for its node, by the order in which its item came in. */
export interface Arrival {
  order: number;
  /** The node that gave it, -1 if it came in with the item. */
  producer: number;
  /** Lets it on: the value has arrived. */
  accept(): void;
  /** It never arrives. */
  refuse(): void;
  /** It had arrived, and gives way to a newer one. */
  drop(): void;
}

/** The bounded queue of one edge: what has arrived there and was not taken up by the node. */
export interface EdgeQueue {
  /** @returns whether the sender may go on: false while it is held back, until `accept` is called */
  arrive(arrival: Arrival): boolean;
  /** The node took it up, or never will. @returns whether it was held back until now */
  leave(arrival: Arrival): boolean;
  readonly waiting: number;
  readonly dropped: number;
}

function remove(arrivals: Arrival[], arrival: Arrival): boolean {
  const at = arrivals.indexOf(arrival);
  if (at >= 0) arrivals.splice(at, 1);
  return at >= 0;
}

export function createEdgeQueue({ length, policy }: { length: number; policy: QueuePolicy }): EdgeQueue {
  const waiting: Arrival[] = [];
  const held: Arrival[] = [];
  const room = policy === 'latest' ? 1 : length;
  let dropped = 0;

  const take = (arrival: Arrival): void => {
    waiting.push(arrival);
    arrival.accept();
  };
  /** It is let in even where there is no room: what waits may be waiting for it. */
  const isOldest = (arrival: Arrival): boolean => waiting.every(({ order }) => arrival.order < order);
  const oldestHeld = (): Arrival | undefined =>
    held.reduce<Arrival | undefined>((oldest, each) => (oldest === undefined || each.order < oldest.order ? each : oldest), undefined);
  return {
    arrive(arrival) {
      if (waiting.length < room || (policy === 'block' && isOldest(arrival))) {
        take(arrival);
        return true;
      }
      if (policy === 'block') {
        held.push(arrival);
        return false;
      }
      if (policy === 'drop-newest') {
        dropped += 1;
        arrival.refuse();
        return true;
      }
      for (const old of waiting.splice(0, policy === 'latest' ? waiting.length : waiting.length - room + 1)) {
        dropped += 1;
        old.drop();
      }
      take(arrival);
      return true;
    },
    leave(arrival) {
      const wasHeld = remove(held, arrival);
      if (!wasHeld) remove(waiting, arrival);
      for (let next = oldestHeld(); next !== undefined && (waiting.length < room || isOldest(next)); next = oldestHeld()) {
        remove(held, next);
        take(next);
      }
      return wasHeld;
    },
    get waiting() {
      return waiting.length;
    },
    get dropped() {
      return dropped;
    },
  };
}
