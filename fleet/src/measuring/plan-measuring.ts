import { type ArtefactView, artefactKind, type MeasurePlanItem } from '@starling/shared';
import { type Asked, counts, isSameRuntime, type Measured, type PlanDevice, type PlanInput, type Subject } from './facts.ts';
import { createObstacles, type Obstacle } from './obstacles.ts';

/** A command to send now. */
export interface Send {
  device: string;
  model: string;
  artefacts: string[];
}

export interface Plan {
  items: MeasurePlanItem[];
  sends: Send[];
}

/** Devices that measure at the same time, over the whole fleet: each may have to fetch what it measures. */
export const AT_ONCE_MAXIMUM = 8;
/** Artefacts of one command. */
const ARTEFACTS_MAXIMUM = 16;
/** A measurement that stands in an answer arrives as telemetry within this. */
const SETTLE_MS = 10 * 60_000;

/** What is known of one artefact on one profile. */
interface Need {
  subject: Subject;
  artefact: ArtefactView;
  counted: number;
  /** Devices that measure it, or whose measurement is on its way. */
  pending: string[];
  reason: string;
  next: string[];
  waits: Map<string, number>;
  /** Some device could measure it, if not now. */
  isPossible: boolean;
}

/** Decides who measures what. Pure: the same rows, the same plan. */
export function planMeasuring(input: PlanInput): Plan {
  const needs = needsOf(input);
  const sends = sendsFor(needs, input);
  const names = new Map(input.devices.map(({ id, name }) => [id, name]));
  const items = needs
    .filter(
      ({ subject, pending, next, isPossible, counted }) => pending.length + next.length > 0 || (isPossible && counted < subject.wanted),
    )
    .map((need) => itemOf(need, names));
  return { items, sends };
}

function needsOf(input: PlanInput): Need[] {
  const { nowMs, settings, subjects, measured, asked } = input;
  const byKey = new Map<string, Measured[]>();
  for (const row of measured) {
    const key = `${row.profile} ${row.artefact}`;
    byKey.set(key, [...(byKey.get(key) ?? []), row]);
  }
  const needs: Need[] = [];
  for (const subject of subjects) {
    for (const artefact of subject.artefacts) {
      const rows = byKey.get(`${subject.profile} ${artefact.digest}`) ?? [];
      const counted = rows.filter((row) => counts(row, nowMs, settings.againMs));
      const arrived = new Set(counted.map(({ device }) => device));
      const pending = asked
        .filter(({ profile, device }) => profile === subject.profile && !arrived.has(device))
        .filter((each) => isPending(each, artefact.digest, nowMs))
        .map(({ device }) => device);
      const reason = reasonOf(rows, counted.length, subject, input);
      needs.push({ subject, artefact, counted: counted.length, pending, reason, next: [], waits: new Map(), isPossible: false });
    }
  }
  // First what nobody has measured at all; then by name, so that equal rows give an equal plan.
  return needs.sort(
    (left, right) =>
      left.counted + left.pending.length - right.counted - right.pending.length ||
      compare(left.subject.profile, right.subject.profile) ||
      compare(left.subject.model.name, right.subject.model.name) ||
      compare(left.artefact.digest, right.artefact.digest),
  );
}

function isPending({ isOpen, issuedAtMs, artefacts }: Asked, artefact: string, nowMs: number): boolean {
  const named = artefacts.find((each) => each.artefact === artefact);
  if (named === undefined) return false;
  return isOpen || (named.outcome === 'measured' && nowMs - issuedAtMs < SETTLE_MS);
}

function reasonOf(rows: readonly Measured[], counted: number, { wanted }: Subject, { nowMs, settings }: PlanInput): string {
  const { againMs } = settings;
  if (counted > 0) return `measured on ${counted} of ${wanted} devices`;
  if (rows.length === 0) return 'not measured on this profile yet';
  if (rows.some(({ runtimeVersion, runtime }) => !isSameRuntime(runtimeVersion, runtime))) return 'measured with another runtime version';
  if (rows.some(({ measuredAtMs }) => nowMs - measuredAtMs >= againMs)) return `measured more than ${days(againMs)} days ago`;
  return 'measured on throttled devices only';
}

function sendsFor(needs: readonly Need[], input: PlanInput): Send[] {
  const { devices, asked } = input;
  const obstacles = createObstacles(input);
  const sends: Send[] = [];
  let room = AT_ONCE_MAXIMUM - new Set(asked.filter(({ isOpen }) => isOpen).map(({ device }) => device)).size;
  const order = devices.toSorted((left, right) => obstacles.askedToday(left.id) - obstacles.askedToday(right.id));
  for (const group of groupsOf(needs)) {
    for (const device of order) {
      if (device.profile !== group[0]?.subject.profile) continue;
      const able = ableOf(group, device, obstacles, input);
      if (able.length === 0) continue;
      if (room <= 0) {
        for (const need of able) wait(need, 'waiting for others to finish');
        continue;
      }
      const { digest } = (able[0] as Need).subject.model;
      const artefacts = able.slice(0, ARTEFACTS_MAXIMUM).map(({ artefact }) => artefact);
      for (const need of able.slice(0, ARTEFACTS_MAXIMUM)) need.next.push(device.id);
      sends.push({ device: device.id, model: digest, artefacts: artefacts.map((each) => each.digest) });
      obstacles.occupy(device.id);
      room -= 1;
    }
  }
  return sends;
}

/** One model on one profile: a device measures its artefacts side by side. */
function groupsOf(needs: readonly Need[]): Need[][] {
  const groups = new Map<string, Need[]>();
  for (const need of needs) {
    const key = `${need.subject.profile} ${need.subject.model.digest}`;
    groups.set(key, [...(groups.get(key) ?? []), need]);
  }
  return [...groups.values()];
}

/** What a device could measure now and is still needed, within the bytes that it may fetch today. */
function ableOf(
  group: readonly Need[],
  device: PlanDevice,
  obstacles: ReturnType<typeof createObstacles>,
  { settings }: PlanInput,
): Need[] {
  let bytesLeft = settings.bytesPerDay - obstacles.fetchedToday(device.id);
  const able: Need[] = [];
  for (const need of group) {
    if (need.counted + need.pending.length + need.next.length >= need.subject.wanted) continue;
    const { artefact } = need;
    const fetchBytes = device.held.has(artefact.digest) ? 0 : artefact.sizeBytes;
    const obstacle: Obstacle | undefined =
      obstacles.between(device, artefact) ??
      (fetchBytes > bytesLeft ? { words: 'at the limit of bytes for a day', isLasting: false } : undefined);
    if (obstacle === undefined || !obstacle.isLasting) need.isPossible = true;
    if (obstacle !== undefined) {
      if (!obstacle.isLasting) wait(need, obstacle.words);
      continue;
    }
    bytesLeft -= fetchBytes;
    able.push(need);
  }
  return able;
}

function wait(need: Need, words: string): void {
  need.waits.set(words, (need.waits.get(words) ?? 0) + 1);
}

function itemOf(need: Need, names: ReadonlyMap<string, string>): MeasurePlanItem {
  const { subject, artefact, counted, pending, next, reason, waits } = need;
  const state = pending.length > 0 ? 'measuring' : next.length > 0 ? 'next' : 'waiting';
  const obstacles = [...waits].toSorted(([, left], [, right]) => right - left).map(([words, count]) => `${count} ${words}`);
  return {
    ...{ profile: subject.profile, model: subject.model, artefact: artefact.digest, recipe: artefactKind(artefact) },
    ...{ sizeBytes: artefact.sizeBytes, measured: counted, wanted: subject.wanted, requestedBy: subject.requestedBy, state },
    devices: (pending.length > 0 ? pending : next).map((id) => ({ id, name: names.get(id) ?? id })),
    why: state === 'waiting' && obstacles.length > 0 ? `${reason}; its devices: ${obstacles.join(', ')}` : reason,
  };
}

function days(lengthMs: number): number {
  return Math.round(lengthMs / 86_400_000);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
