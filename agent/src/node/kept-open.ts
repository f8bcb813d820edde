import { StarlingError } from '@starling/shared';

/** What is opened for a release. `gone`: nothing that runs needs it any more; otherwise the agent only stops. */
export interface Closable {
  close(gone: boolean): Promise<void>;
}

/**
 * Things that several releases may need in the same form: they are opened with the first, and closed with the last, so that a switch
 * between two releases drops no connection that both have.
 */
export interface KeptOpen<Thing extends Closable> {
  take(key: string, open: () => Thing): Thing;
  /** @throws StarlingError `not-open` for a key that was not taken */
  give(key: string): Promise<void>;
  closeAll(): Promise<void>;
}

export function createKeptOpen<Thing extends Closable>(): KeptOpen<Thing> {
  const open = new Map<string, { thing: Thing; users: number }>();
  return {
    take(key, make) {
      const entry = open.get(key) ?? { thing: make(), users: 0 };
      entry.users += 1;
      open.set(key, entry);
      return entry.thing;
    },
    async give(key) {
      const entry = open.get(key);
      if (entry === undefined) throw new StarlingError('not-open', `${key} is not open`);
      entry.users -= 1;
      if (entry.users > 0) return;
      open.delete(key);
      await entry.thing.close(true);
    },
    async closeAll() {
      const things = [...open.values()];
      open.clear();
      await Promise.all(things.map(({ thing }) => thing.close(false)));
    },
  };
}
