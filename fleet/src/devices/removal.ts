import type { Actor } from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Database, Queryable } from '../db/index.ts';
import type { Clock, EventBus } from '../ports.ts';
import { deleteDevices, simulatedIds } from './bulk-store.ts';

/** Takes away what a module keeps of devices. */
export type Forget = (db: Queryable, ids: readonly string[]) => Promise<void>;

/** Deletes simulated devices. Real ones stay for ever, since what they did is part of the record. */
export interface SimulatedRemoval {
  /** @returns ids of those that are gone, or with `dryRun` would be */
  remove(options: { dryRun: boolean; actor: Actor }): Promise<string[]>;
}

/** Devices of one transaction: others have to come in between. */
const BATCH_DEVICES = 500;

export function createSimulatedRemoval(ports: {
  db: Database;
  clock: Clock;
  events: EventBus;
  forget: readonly Forget[];
}): SimulatedRemoval {
  const { db, clock, events, forget } = ports;
  return {
    async remove({ dryRun, actor }) {
      const ids = await simulatedIds(db);
      if (dryRun) return ids;
      for (let at = 0; at < ids.length; at += BATCH_DEVICES) {
        const batch = ids.slice(at, at + BATCH_DEVICES);
        await db.transaction(async (tx) => {
          for (const each of forget) await each(tx, batch);
          await deleteDevices(tx, batch);
        });
      }
      await appendAudit(db, clock, actor, 'device.remove-simulated', 'simulated devices', { devices: ids.length });
      events.publish({ type: 'device', id: 'many', atMs: clock.nowMs(), detail: {} });
      return ids;
    },
  };
}
