import { type DeviceProfile, messageOf } from '@starling/shared';
import type { Database } from '../db/index.ts';
import { devicesByIds } from '../devices/index.ts';
import type { Log } from '../ports.ts';
import { type DocumentPorts, signDesired } from './document.ts';
import { desiredOfAll } from './store.ts';

/** Where desired states go out. */
export interface DesiredLink {
  /** Undefined where only the database knows. */
  isConnected(device: string): boolean | undefined;
  send(device: string, jws: string): Promise<boolean>;
}

/** Devices whose rows are read in one statement. */
const BATCH_DEVICES = 200;
/** Between batches everything else of this process has its turn, and devices do not all begin to pull in the same instant. */
const PAUSE_MS = 10;

/** Tells devices what they should run, in batches: a wave of ten thousand is no herd. */
export interface Announcer {
  announce(devices: readonly string[]): void;
  connect(link: DesiredLink): void;
  close(): Promise<void>;
}

interface AnnouncerPorts extends DocumentPorts {
  db: Database;
  log: Log;
  profiles: ReadonlyMap<string, DeviceProfile>;
}

export function createAnnouncer(ports: AnnouncerPorts): Announcer {
  const { db, log, profiles } = ports;
  const waiting = new Set<string>();
  let link: DesiredLink | undefined;
  let isClosed = false;
  let working: Promise<void> | undefined;

  const send = async (to: DesiredLink, devices: readonly string[]): Promise<void> => {
    const rows = (await devicesByIds(db, devices)).filter(({ id, online }) => to.isConnected(id) ?? online);
    const profileOf = new Map(rows.map(({ id, profile }) => [id, profile]));
    for (const row of await desiredOfAll(db, [...profileOf.keys()])) {
      const failed = (error: unknown): void =>
        log.warn({ device: row.device, error: messageOf(error) }, 'a desired state was not sent; the next hello gets it');
      try {
        const jws = await signDesired(row, profiles.get(profileOf.get(row.device) ?? ''), ports);
        // Not awaited: one that takes nothing must not hold up the others.
        to.send(row.device, jws).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  };
  const work = async (to: DesiredLink): Promise<void> => {
    while (waiting.size > 0 && !isClosed) {
      const batch = [...waiting].slice(0, BATCH_DEVICES);
      for (const device of batch) waiting.delete(device);
      const connected = batch.filter((device) => to.isConnected(device) !== false);
      await send(to, connected).catch((error: unknown) =>
        log.warn({ devices: connected.length, error: messageOf(error) }, 'desired states were not sent; the next hellos get them'),
      );
      if (waiting.size > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    working = undefined;
  };
  return {
    announce(devices) {
      // Work that had nothing to do would be over before it is noted as begun, and seem to go on for ever.
      if (link === undefined || devices.length === 0) return;
      for (const device of devices) waiting.add(device);
      working ??= work(link);
    },
    connect(to) {
      link = to;
    },
    async close() {
      isClosed = true;
      await working;
    },
  };
}
