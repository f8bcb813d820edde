import { type QueuePolicy, StarlingError } from '@starling/shared';

export interface QueueOptions {
  /** Items that may wait. */
  length: number;
  policy: QueuePolicy;
  /** Items that run at once. */
  concurrency: number;
}

/** The bounded queue in front of a pipeline. */
export interface WorkQueue {
  /**
   * Waits for its turn, then runs. `block`: refused with `overloaded` beyond `length` waiting callers, who should hold back until
   * theirs is answered; `drop-newest`: dropped itself with `dropped`; `drop-oldest` and `latest`: an older waiting item is dropped with `dropped`, for `latest` all of them.
   * @throws StarlingError `dropped`, `overloaded`, or whatever `run` throws
   */
  push<Value>(run: () => Promise<Value>): Promise<Value>;
  /** Resolves when nothing waits or runs any more. */
  idle(): Promise<void>;
  readonly waiting: number;
  readonly running: number;
  /** Items dropped or turned away since this was last asked. */
  takeDropped(): number;
}

interface Waiting {
  start: () => void;
  drop: () => void;
}

export function createWorkQueue(options: QueueOptions): WorkQueue {
  const waiting: Waiting[] = [];
  const idleListeners: (() => void)[] = [];
  let running = 0;
  let dropped = 0;

  const next = (): void => {
    while (running < options.concurrency) {
      const item = waiting.shift();
      if (item === undefined) break;
      item.start();
    }
    if (running === 0 && waiting.length === 0) {
      for (const listener of idleListeners.splice(0)) listener();
    }
  };
  const makeRoom = (): void => {
    const keep = options.policy === 'latest' ? 0 : options.policy === 'drop-oldest' ? options.length - 1 : Number.POSITIVE_INFINITY;
    while (waiting.length > keep) {
      dropped += 1;
      waiting.shift()?.drop();
    }
  };

  return {
    push<Value>(run: () => Promise<Value>): Promise<Value> {
      if (running >= options.concurrency) {
        makeRoom();
        if (waiting.length >= options.length && (options.policy === 'block' || options.policy === 'drop-newest')) {
          dropped += 1;
          return Promise.reject(options.policy === 'block' ? overloaded(options.length) : giveWay('those that wait'));
        }
      }
      return new Promise<Value>((resolve, reject) => {
        const start = (): void => {
          running += 1;
          run()
            .then(resolve, reject)
            .finally(() => {
              running -= 1;
              next();
            });
        };
        const drop = (): void => reject(giveWay('a newer item'));
        waiting.push({ start, drop });
        next();
      });
    },
    idle() {
      if (running === 0 && waiting.length === 0) return Promise.resolve();
      return new Promise((resolve) => idleListeners.push(resolve));
    },
    get waiting() {
      return waiting.length;
    },
    get running() {
      return running;
    },
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
  };
}

function giveWay(to: string): StarlingError {
  return new StarlingError('dropped', `${to} took its place in the queue`, { retryable: true });
}

function overloaded(length: number): StarlingError {
  return new StarlingError('overloaded', `${length} items wait already`, {
    retryable: true,
    hint: 'send the next item when one is answered',
  });
}
