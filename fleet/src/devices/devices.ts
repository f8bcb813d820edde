import {
  type Actor,
  type DeviceView,
  type FleetMap,
  type Hello,
  type Overview,
  type PageQuery,
  type ReportedState,
  StarlingError,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import { createGatherer, type Database } from '../db/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import { HOUR_MS } from '../telemetry/index.ts';
import { approveDevice } from './access.ts';
import { createCloneWatch } from './clones.ts';
import { type MapQuestion, selectMap } from './map-store.ts';
import { createPresence } from './presence.ts';
import type { ProfileReason } from './profile-reason.ts';
import {
  countByAgent,
  countByStatus,
  type DeviceFilter,
  type DeviceRow,
  deleteBrokerLogins,
  deleteEndedLogins,
  deleteOldNonces,
  deviceById,
  devicesWithoutLogin,
  markAllOffline,
  type Report,
  revokedOfShards,
  selectDevices,
  updateDevice,
  writeReported,
} from './store.ts';

export interface Devices {
  list(filter: DeviceFilter): Promise<{ rows: DeviceRow[]; total: number }>;
  /** Which agents they run. */
  agents(page: PageQuery): ReturnType<typeof countByAgent>;
  /** @throws StarlingError `not-found` */
  find(id: string): Promise<DeviceRow>;
  change(id: string, change: { name?: string | undefined; labels?: Record<string, string> | undefined }, actor: Actor): Promise<void>;
  approve(id: string, actor: Actor): Promise<void>;
  revoke(id: string, actor: Actor): Promise<void>;
  /** A session has started. An earlier life that comes back after another one is a second device under the same key. */
  sayHello(id: string, hello: Hello): Promise<void>;
  /** @param closed it went in order, and nobody has to look after it */
  seen(id: string, online: boolean, closed?: boolean): void;
  /** Has this process heard of it, and not of its end? */
  isHeard(id: string): boolean;
  report(id: string, reported: ReportedState): Promise<void>;
  counts(): Promise<Overview['devices']>;
  /** Counts by site and profile. */
  map(question: MapQuestion): Promise<FleetMap>;
  /** Writes what was seen; called every few seconds and at the end. */
  flushPresence(): Promise<void>;
  /** @param options.knowsSockets devices connect to this process, so nobody is there when it starts */
  start(options: { knowsSockets: boolean }): Promise<void>;
  /** Watches over the presence of all devices of shards from now on. @returns those that are there, as far as is known */
  watchShards(shards: readonly string[]): Promise<string[]>;
  /** Leaves them to another process: what was heard of them here is written when this resolves. */
  leaveShards(shards: readonly string[]): Promise<void>;
  /** Another process has revoked it. */
  revokedElsewhere(id: string): void;
  /** Forgets passwords that have ended. */
  forgetLogins(): Promise<void>;
  /** @returns those of the devices that it knows and that have no good password */
  shutOut(ids: readonly string[]): Promise<string[]>;
  /** Nonces that were used and have ended since. */
  forgetNonces(): Promise<void>;
  /** Of the shards that are watched: a broker that is not ours may not have cut it off yet. */
  isRevoked(id: string): boolean;
  close(): Promise<void>;
}

/** Heartbeats are gathered for this long before they are written. */
const FLUSH_INTERVAL_MS = 2_000;

export function createDevices({ db, clock, events, log }: { db: Database; clock: Clock; events: EventBus; log: Log }): Devices {
  const revoked = new Set<string>();
  const clones = createCloneWatch();
  const reports = createGatherer((batch: ReadonlyMap<string, Report>) => writeReported(db, batch));
  let timer: NodeJS.Timeout | undefined;

  const find = async (id: string): Promise<DeviceRow> => {
    const row = await deviceById(db, id);
    if (row === undefined)
      throw new StarlingError('not-found', `there is no device ${id}`, { field: 'id', hint: 'see "starling device ls"' });
    return row;
  };
  const announce = (id: string, detail: Record<string, unknown>): void =>
    events.publish({ type: 'device', id, atMs: clock.nowMs(), detail });
  const presence = createPresence({ db, clock, announce });
  return {
    list: (filter) => selectDevices(db, filter),
    find,
    async change(id, change, actor) {
      await find(id);
      await db.transaction(async (tx) => {
        await updateDevice(tx, id, change);
        await appendAudit(tx, clock, actor, 'device.change', id, change);
      });
      announce(id, {});
    },
    async approve(id, actor) {
      const row = await find(id);
      if (!(await approveDevice({ db, clock }, id, actor)))
        throw new StarlingError('not-pending', `the device is ${row.status}, not pending`, { field: 'id' });
      announce(id, { status: 'active' });
    },
    async revoke(id, actor) {
      await find(id);
      await db.transaction(async (tx) => {
        await updateDevice(tx, id, { status: 'revoked', online: false });
        await deleteBrokerLogins(tx, id);
        await appendAudit(tx, clock, actor, 'device.revoke', id);
      });
      presence.forget(id);
      revoked.add(id);
      announce(id, { status: 'revoked' });
    },
    async sayHello(id, hello) {
      const { agentVersion, operatorVersions, bootId, streamId } = hello;
      await presence.greeted(id, { agentVersion, operatorVersions, bootId, streamId, atMs: clock.nowMs() });
      if (presence.isHeard(id)) announce(id, { online: true });
      if (!clones.isClone(id, bootId, clock.nowMs())) return;
      log.warn({ device: id, bootId }, 'two live boot ids under one device id: a cloned device');
      await appendAudit(db, clock, { name: 'fleet' }, 'device.clone', id, { bootId });
      announce(id, { cloned: true });
    },
    seen: presence.seen,
    isHeard: presence.isHeard,
    async report(id, reported) {
      await reports.add(id, { reported, atMs: clock.nowMs() });
      events.publish({ type: 'reported', id, atMs: clock.nowMs(), detail: { phase: reported.phase, generation: reported.generation } });
    },
    counts: async () => countsOf(await countByStatus(db)),
    // The hour that runs may have just begun, and would say nothing: the one before counts too.
    map: (question) => selectMap(db, question, Math.floor(clock.nowMs() / HOUR_MS - 1) * HOUR_MS),
    flushPresence: presence.flush,
    async watchShards(shards) {
      for (const id of await revokedOfShards(db, shards)) revoked.add(id);
      return presence.watch(shards);
    },
    leaveShards: presence.leave,
    isRevoked: (id) => revoked.has(id),
    agents: (page) => countByAgent(db, page),
    revokedElsewhere(id) {
      presence.forget(id);
      revoked.add(id);
    },
    forgetLogins: () => deleteEndedLogins(db, clock.nowMs()),
    shutOut: (ids) => devicesWithoutLogin(db, ids, clock.nowMs()),
    forgetNonces: () => deleteOldNonces(db, clock.nowMs()),
    async start({ knowsSockets }) {
      if (knowsSockets) await markAllOffline(db);
      timer = setInterval(() => {
        presence.flush().catch((error: unknown) => log.warn({ error: String(error) }, 'presence could not be written'));
      }, FLUSH_INTERVAL_MS);
    },
    async close() {
      clearInterval(timer);
      await presence.flush().catch(() => undefined);
    },
  };
}

/** A device as the API shows it; what it should run is joined by the caller. */
export function toDeviceView(row: DeviceRow, desired: DeviceView['desired']): DeviceView {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    online: row.online && row.status === 'active',
    closed: row.closed && !row.online,
    labels: row.labels,
    profile: row.profile,
    profileReason: row.profileReason as ProfileReason,
    agentVersion: row.agentVersion,
    capabilities: row.capabilities,
    enrolledAtMs: row.enrolledAtMs,
    lastSeenAtMs: row.lastSeenAtMs,
    reported: row.reported,
    reportedAtMs: row.reportedAtMs,
    desired,
  };
}

function countsOf(groups: Awaited<ReturnType<typeof countByStatus>>): Overview['devices'] {
  const totals = { total: 0, online: 0, closed: 0, ended: 0, pending: 0, revoked: 0, running: 0, failed: 0 };
  for (const { status, online, closed, phase, ended, value } of groups) {
    totals.total += value;
    if (status !== 'active') {
      totals[status] += value;
      continue;
    }
    if (online) totals.online += value;
    else if (closed) totals.closed += value;
    else if (ended) totals.ended += value;
    // What is not heard may have ended since.
    if (online && phase === 'running') totals.running += value;
    if (phase === 'failed' && !ended) totals.failed += value;
  }
  return totals;
}
