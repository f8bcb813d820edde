import type { Actor } from '@starling/shared';
import { and, inArray, sql } from 'drizzle-orm';
import { appendAudit } from '../audit/index.ts';
import type { Database, Queryable } from '../db/index.ts';
import { brokerLogins, devices } from '../db/schema/index.ts';
import type { Clock, EventBus } from '../ports.ts';

/** Takes away what a module keeps of devices. */
export type Forget = (db: Queryable, ids: readonly string[]) => Promise<void>;

/** Deletes simulated devices. Real ones stay for ever, since what they did is part of the record. */
export interface SimulatedRemoval {
  /** @returns ids of those that are gone, or with `dryRun` would be */
  remove(options: { dryRun: boolean; actor: Actor }): Promise<string[]>;
}

/** Devices of one transaction: others have to come in between. */
const BATCH_DEVICES = 500;

/** Both by the label, and by what they said of themselves when they enrolled: a label alone can be put on any device. */
const isSimulated = and(
  sql`${devices.labels} ->> 'simulated' = 'true'`,
  sql`jsonb_exists(${devices.capabilities} -> 'runtimeVersions', 'simulator')`,
);

export function createSimulatedRemoval(ports: {
  db: Database;
  clock: Clock;
  events: EventBus;
  forget: readonly Forget[];
}): SimulatedRemoval {
  const { db, clock, events, forget } = ports;
  return {
    async remove({ dryRun, actor }) {
      const rows = await db.select({ id: devices.id }).from(devices).where(isSimulated);
      const ids = rows.map(({ id }) => id);
      if (dryRun) return ids;
      for (let at = 0; at < ids.length; at += BATCH_DEVICES) {
        const batch = ids.slice(at, at + BATCH_DEVICES);
        await db.transaction(async (tx) => {
          for (const each of forget) await each(tx, batch);
          await tx.delete(brokerLogins).where(inArray(brokerLogins.device, batch));
          await tx.delete(devices).where(inArray(devices.id, batch));
        });
      }
      await appendAudit(db, clock, actor, 'device.remove-simulated', 'simulated devices', { devices: ids.length });
      events.publish({ type: 'device', id: 'many', atMs: clock.nowMs(), detail: {} });
      return ids;
    },
  };
}
