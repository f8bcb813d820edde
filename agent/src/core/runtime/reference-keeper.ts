/** What monitors have learned -> their reference store. */
import { messageOf } from '@starling/shared';
import type { DriftWatch } from '../monitors/index.ts';
import type { HostEvent } from '../ports/runtime-host.ts';
import type { ReferenceStore } from './reference-store.ts';

export interface ReferenceKeeper {
  /** Writes what the watch of a monitor has learned since the last write that succeeded. Never rejects: unheeded, that would end the host. */
  keep(release: string, monitor: string, watch: DriftWatch): Promise<void>;
}

/** Writes only what changed, for a write at every window wears flash memory out; says of each monitor once that its writes fail. */
export function createReferenceKeeper(references: ReferenceStore, emit: (event: HostEvent) => void): ReferenceKeeper {
  const failing = new Set<string>();
  const writing = new Map<string, Promise<void>>();

  const write = async (release: string, monitor: string, watch: DriftWatch): Promise<void> => {
    const learned = watch.unkept();
    if (learned === null) return;
    const key = `${release} ${monitor}`;
    try {
      await references.write(release, monitor, learned);
      watch.markKept(learned);
      failing.delete(key);
    } catch (cause) {
      if (failing.has(key)) return;
      failing.add(key);
      const message = `what is normal for ${monitor} is not kept, and learned anew after a restart: ${messageOf(cause)}`;
      emit({ type: 'record', kind: 'events', payload: { level: 'warning', code: 'reference-not-kept', message, detail: { monitor } } });
    }
  };
  return {
    async keep(release, monitor, watch) {
      const key = `${release} ${monitor}`;
      // One after the other: on a slow disk two windows would else write one file at once, and one find it gone.
      const mine = (writing.get(key) ?? Promise.resolve()).then(() => write(release, monitor, watch));
      writing.set(key, mine);
      await mine;
      if (writing.get(key) === mine) writing.delete(key);
    },
  };
}
