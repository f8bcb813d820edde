import { durationMs, type RolloutWaiting, StarlingError } from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Transaction } from '../db/index.ts';
import type { ManyChosen, Role } from '../desired-state/index.ts';
import { allowedPerMinute, type RolloutFacts } from './advance.ts';
import { createByteCounter } from './bytes-to-move.ts';
import { RATE_WINDOW_MS, STARTS_PER_WRITE_MAXIMUM } from './limits.ts';
import type { RolloutPorts } from './ports.ts';
import { candidatesOf, markAssigned, type Refusal, refuseTargets, startedSince, timeZonesOf } from './starting-store.ts';
import { appendEvents, claimVersion, type RolloutRow } from './store.ts';
import { isTimeZone, opensAtMs, openUntilMs } from './windows.ts';

/** A device for which nothing could be chosen for now is asked about again after this long. */
const AGAIN_MS = 60_000;
/** One whose worker fetches its parts: that is told when it is done, and is done soon. */
const EARLY_MS = 2_000;
const nowhere = { release: null, artefacts: {} };

export interface Started {
  devices: number;
  /** What kept it from starting more, if anything did. */
  waiting?: RolloutWaiting | undefined;
  /** Somebody changed the rollout meanwhile: nothing was written. */
  isStale: boolean;
}

/** How many devices may be started, and what holds the others back. */
interface Room {
  devices: number;
  bytes: number;
  waiting?: RolloutWaiting;
}

interface Start {
  device: string;
  choice: number;
  bytes: number;
  role?: Role | undefined;
}

/** Starts devices, within all limits: what was decided stands in rows before anything is sent. */
export function createStarter(ports: RolloutPorts) {
  const bytesToMove = createByteCounter(ports);

  return async (row: RolloutRow, facts: RolloutFacts, quota: number, budget: number): Promise<Started> => {
    const nowMs = ports.clock.nowMs();
    const room = await roomOf(row, facts, ports, nowMs);
    const zones = await zonesOf(row, ports, nowMs);
    const { devices, waiting } = await pick(row, facts, { quota, budget, room, zones }, ports);
    if (devices.length === 0) return { devices: 0, waiting, isStale: false };
    const many = await ports.desiredStates.chooseMany(row.release, devices);
    const starts = await withinBandwidth(devices, many, room.bytes, row.spec.bandwidthBytesPerMinute, bytesToMove);
    const written = await write(row, facts.step, starts, many, ports);
    if (written === undefined) return { devices: 0, isStale: true };
    ports.desiredStates.announce(written);
    const putOff = new Set([...many.refused.keys(), ...many.early.keys()]).size;
    const isCut = starts.length < devices.length - putOff;
    // Those that were refused have ended, or wait for a minute: the next look finds others.
    const isStale = written.length === 0 && putOff > 0;
    return { devices: written.length, isStale, waiting: isCut ? full('bandwidthBytesPerMinute') : undefined };
  };
}

async function pick(
  { id: rollout, spec }: RolloutRow,
  facts: RolloutFacts,
  { quota, budget, room, zones }: { quota: number; budget: number; room: Room; zones: OpenZones | undefined },
  { db }: RolloutPorts,
): Promise<{ devices: string[]; waiting: RolloutWaiting | undefined }> {
  const limit = Math.min(room.devices, budget, STARTS_PER_WRITE_MAXIMUM);
  if (limit <= 0) return { devices: [], waiting: room.waiting };
  if (zones !== undefined && zones.open.length === 0) return { devices: [], waiting: shut(zones.opensAtMs) };
  const step = facts.state === 'running' ? facts.steps[facts.step]?.step : undefined;
  const openZones = zones === undefined ? undefined : { zones: zones.open, usual: spec.windows?.timeZone ?? 'UTC' };
  const found = await candidatesOf(db, { rollout, step, nowMs: facts.nowMs, limit, openZones, spread: spec.spread });
  const again = found.filter((each) => each.again).length;
  const devices = found.slice(0, again + quota).map(({ device }) => device);
  return { devices, waiting: zones?.isPartial === true ? shut(zones.opensAtMs) : room.waiting };
}

/** As many as fit, in their order. One that is larger than the limit goes alone, rather than never. */
async function withinBandwidth(
  devices: readonly string[],
  { choices, chosen, roles, early, running }: ManyChosen,
  roomBytes: number,
  limit: number | undefined,
  bytesToMove: ReturnType<typeof createByteCounter>,
): Promise<Start[]> {
  const starts: Start[] = [];
  let left = roomBytes;
  for (const device of devices) {
    const choice = chosen.get(device);
    const given = choice === undefined ? undefined : choices[choice];
    if (choice === undefined || given === undefined || early.has(device)) continue;
    const bytes = await bytesToMove(running.get(device) ?? nowhere, given);
    const goesAlone = starts.length === 0 && roomBytes === limit;
    if (bytes > left && !goesAlone) break;
    left -= bytes;
    starts.push({ device, choice, bytes, role: roles.get(device) });
  }
  return starts;
}

/** @returns what was written; undefined where somebody has changed the rollout meanwhile */
function write(
  row: RolloutRow,
  wave: number,
  starts: readonly Start[],
  { choices, refused, early }: ManyChosen,
  { db, clock, desiredStates }: RolloutPorts,
): Promise<string[] | undefined> {
  const nowMs = clock.nowMs();
  const putOff = [...early].filter(([device]) => !refused.has(device));
  const holdMs = durationMs(row.spec.deviceTimeout);
  const refusals: Refusal[] = [
    ...[...refused].map(([device, { code, message, retryable }]) => {
      return { device, code, message, againAtMs: retryable ? nowMs + AGAIN_MS : undefined };
    }),
    ...putOff.map(([device, { code, message }]) => ({ device, code, message, againAtMs: nowMs + EARLY_MS, holdMs })),
  ];
  return db.transaction(async (tx) => {
    if (!(await claimVersion(tx, row))) return undefined;
    const failed = await refuseTargets(tx, { rollout: row.id, wave, nowMs, within: row.spec.deviceTimeout }, refusals);
    await tellHeld(tx, row, wave, nowMs, failed);
    const deadlineMs = nowMs + holdMs;
    const given = await desiredStates.writeMany(tx, { choices, devices: starts, by: `rollout ${row.name}` });
    const bytesOf = new Map(starts.map(({ device, bytes }) => [device, bytes]));
    const written = given.map((each) => ({ ...each, bytes: bytesOf.get(each.device) ?? 0 }));
    const marked = await markAssigned(tx, { rollout: row.id, release: row.release, wave, nowMs, deadlineMs }, written);
    // Somebody gave one of them something in this very moment: nothing of this stands, and the next pass looks again.
    if (marked < starts.length) throw new StarlingError('changed-meanwhile', 'a desired state has changed', { retryable: true });
    const detail = { rollout: row.id, wave, devices: given.length };
    if (given.length > 0) await appendAudit(tx, clock, { name: row.createdBy }, 'rollout.assign', row.name, detail);
    return given.map(({ device }) => device);
  });
}

/** Says in the timeline who waited in vain for what; one line for each reason, since homes of one worker fail together. */
async function tellHeld(
  tx: Transaction,
  { id }: RolloutRow,
  step: number,
  nowMs: number,
  failed: Awaited<ReturnType<typeof refuseTargets>>,
): Promise<void> {
  const lines = [...Map.groupBy(failed, ({ message }) => message)].map(([message, { length: devices }]) => {
    return { kind: 'failed', actor: 'fleet', text: `${devices} devices failed: ${message}`, detail: { devices, step } };
  });
  if (lines.length > 0) await appendEvents(tx, id, nowMs, lines);
}

async function roomOf({ id, spec }: RolloutRow, { counts }: RolloutFacts, { db }: RolloutPorts, nowMs: number): Promise<Room> {
  const inFlight = spec.maxInFlight - counts.assigned;
  const perMinute = allowedPerMinute(spec, counts.succeeded);
  const needsRate = Number.isFinite(perMinute) || spec.bandwidthBytesPerMinute !== undefined;
  const recent = needsRate ? await startedSince(db, id, nowMs - RATE_WINDOW_MS) : { devices: 0, bytes: 0 };
  const bytes = spec.bandwidthBytesPerMinute === undefined ? Number.POSITIVE_INFINITY : spec.bandwidthBytesPerMinute - recent.bytes;
  const byRate = perMinute - recent.devices;
  if (inFlight <= 0) return { devices: 0, bytes, waiting: full(`maxInFlight (${spec.maxInFlight})`) };
  if (byRate <= 0) return { devices: 0, bytes, waiting: full(`rate (${perMinute} a minute)`) };
  if (bytes <= 0) return { devices: 0, bytes, waiting: full('bandwidth') };
  return { devices: Math.min(inFlight, byRate), bytes };
}

function full(limit: string): RolloutWaiting {
  return { kind: 'limits', text: `the limit ${limit} lets no more start for now` };
}

function shut(opensAtMs: number | undefined): RolloutWaiting {
  const when = opensAtMs === undefined ? 'never' : new Date(opensAtMs).toISOString();
  return {
    kind: 'window',
    text: `the maintenance window of the devices opens at ${when}`,
    ...(opensAtMs === undefined ? {} : { untilMs: opensAtMs }),
  };
}

interface OpenZones {
  open: string[];
  /** Other devices wait for theirs. */
  isPartial: boolean;
  opensAtMs: number | undefined;
}

/** Time zones of waiting devices whose window is open. A label that is no time zone counts as none. */
async function zonesOf({ id, spec }: RolloutRow, { db }: RolloutPorts, nowMs: number): Promise<OpenZones | undefined> {
  const { windows } = spec;
  if (windows === undefined) return undefined;
  const known = await timeZonesOf(db, id, windows.timeZone);
  const zoneOf = (label: string): string => (isTimeZone(label) ? label : windows.timeZone);
  const open = known.filter((label) => openUntilMs(windows, zoneOf(label), nowMs) !== undefined);
  const next = known.flatMap((label) =>
    open.includes(label) ? [] : [opensAtMs(windows, zoneOf(label), nowMs) ?? Number.POSITIVE_INFINITY],
  );
  const soonest = Math.min(...next);
  return { open, isPartial: open.length < known.length, opensAtMs: Number.isFinite(soonest) ? soonest : undefined };
}
