export interface Renewals<Type extends string> {
  /** Something of this type happened to this id. */
  add(type: Type, id: string): void;
  stop(): void;
}

interface Pending {
  ids: Set<string>;
  /** Of the wait before the reading; undefined while it is under way. */
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Gathers what happens, has it read again after a while, and begins no second reading before the first has ended: a device that
 * reports five times a second would otherwise break off every reading of a slow fleet, and the page would never move.
 * @param renew has what is about these ids read again; settles when all of it was read
 */
export function createRenewals<Type extends string>(
  paceMs: (type: Type) => number,
  renew: (type: Type, ids: ReadonlySet<string>) => Promise<unknown>,
): Renewals<Type> {
  const pending = new Map<Type, Pending>();
  let stopped = false;

  const wait = (type: Type, ids: Set<string>): void => {
    const timer = setTimeout(() => void readNow(type, ids), paceMs(type));
    pending.set(type, { ids, timer });
  };
  const readNow = async (type: Type, ids: ReadonlySet<string>): Promise<void> => {
    const meanwhile = new Set<string>();
    pending.set(type, { ids: meanwhile, timer: undefined });
    // A reading that failed shows its problem on the page; the next event tries again.
    await renew(type, ids).catch(() => undefined);
    pending.delete(type);
    if (meanwhile.size > 0 && !stopped) wait(type, meanwhile);
  };
  return {
    add(type, id) {
      const known = pending.get(type);
      if (known === undefined) wait(type, new Set([id]));
      else known.ids.add(id);
    },
    stop() {
      stopped = true;
      for (const { timer } of pending.values()) clearTimeout(timer);
      pending.clear();
    },
  };
}
