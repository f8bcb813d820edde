/**
 * Work on rows of many devices in one statement: herds that come at once become a few statements, whatever their number. What nobody
 * else waits with is done at once; what comes while a statement runs goes together in the next one, never in the one that runs, so a
 * reading sees all that was committed before it was asked for.
 */
export interface Gatherer<Item, Answer> {
  /**
   * @param key of the row; of one key the newest item counts
   * @returns when the statement with this item, or a newer one of its key, is done: its answer for the key
   */
  add(key: string, item: Item): Promise<Answer | undefined>;
}

interface Batch<Item, Answer> {
  items: Map<string, Item>;
  done: PromiseWithResolvers<ReadonlyMap<string, Answer>>;
}

/** Rows of one statement: a larger one keeps those that come after it waiting. */
const BATCH_ROWS = 500;

export function createGatherer<Item, Answer = undefined>(
  work: (items: ReadonlyMap<string, Item>) => Promise<ReadonlyMap<string, Answer>>,
): Gatherer<Item, Answer> {
  const waiting: Batch<Item, Answer>[] = [];
  let isWorking = false;

  const workThrough = async (): Promise<void> => {
    isWorking = true;
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      await work(batch.items).then(batch.done.resolve, batch.done.reject);
    }
    isWorking = false;
  };
  return {
    async add(key, item) {
      let batch = waiting.find(({ items }) => items.has(key)) ?? waiting.at(-1);
      if (batch === undefined || (batch.items.size >= BATCH_ROWS && !batch.items.has(key))) {
        batch = { items: new Map(), done: Promise.withResolvers() };
        waiting.push(batch);
      }
      batch.items.set(key, item);
      const { promise } = batch.done;
      if (!isWorking) void workThrough();
      return (await promise).get(key);
    },
  };
}
