import type { ArtefactView } from '@starling/shared';
import { type Asked, isSameRuntime, type Measured, type PlanDevice, type PlanInput } from './facts.ts';

/** Why a device does not measure an artefact. */
export interface Obstacle {
  /** Completes "1 device": `1 offline`. */
  words: string;
  /** Waiting changes nothing. */
  isLasting: boolean;
}

const DAY_MS = 86_400_000;
/** Commands that one device gets in a day. */
const ASKED_PER_DAY_MAXIMUM = 4;
/** A device that was asked and gave no figures is left alone for this long. */
const RETRY_MS = 6 * 3_600_000;
/** So often a device may fail at one artefact before the fleet gives up on it there. */
const FAILURES_MAXIMUM = 3;

const lasting = (words: string): Obstacle => ({ words, isLasting: true });
const passing = (words: string): Obstacle => ({ words, isLasting: false });

/** What stands between devices and measuring, from what they measured and were asked before. */
export function createObstacles({ nowMs, settings, measured, asked, subjects }: PlanInput) {
  const own = new Map(measured.map((row) => [`${row.device} ${row.artefact}`, row]));
  const byDevice = new Map<string, Asked[]>();
  for (const each of asked) byDevice.set(each.device, [...(byDevice.get(each.device) ?? []), each]);
  const busy = new Set(asked.filter(({ isOpen }) => isOpen).map(({ device }) => device));
  const sizes = new Map(subjects.flatMap(({ artefacts }) => artefacts.map(({ digest, sizeBytes }) => [digest, sizeBytes])));
  const today = (device: string): Asked[] => (byDevice.get(device) ?? []).filter(({ issuedAtMs }) => nowMs - issuedAtMs < DAY_MS);
  const askedToday = (device: string): number => today(device).length;

  /** Has the device measured it with what it has now? Heat is no reason to ask the same device again. */
  const hasOwn = (row: Measured | undefined): boolean =>
    row !== undefined && nowMs - row.measuredAtMs < settings.againMs && isSameRuntime(row.runtimeVersion, row.runtime);
  const triesOf = (device: string, artefact: string): Asked[] =>
    (byDevice.get(device) ?? []).filter(
      ({ issuedAtMs, artefacts }) => nowMs - issuedAtMs < settings.againMs && artefacts.some((each) => each.artefact === artefact),
    );
  return {
    askedToday,
    /** Bytes that a device may have fetched for measuring in the last day. */
    fetchedToday: (device: string): number =>
      today(device).reduce((sum, { artefacts }) => sum + artefacts.reduce((bytes, each) => bytes + (sizes.get(each.artefact) ?? 0), 0), 0),
    occupy: (device: string): void => void busy.add(device),
    between(device: PlanDevice, { digest }: ArtefactView): Obstacle | undefined {
      const row = own.get(`${device.id} ${digest}`);
      if (!device.runnable.has(digest)) return lasting('cannot run it');
      if (device.isSpared) return lasting('are not to measure');
      if (hasOwn(row)) return lasting('have measured it');
      // Tries before a measurement that is too old by now do not count against the next.
      const tries = triesOf(device.id, digest).filter(({ issuedAtMs }) => row === undefined || issuedAtMs > row.measuredAtMs);
      const failures = tries.filter(({ artefacts }) => artefacts.some((each) => each.artefact === digest && each.outcome === 'failed'));
      if (failures.length >= FAILURES_MAXIMUM) return lasting('failed at it');
      if (!device.isOnline) return passing('offline');
      if (busy.has(device.id)) return passing('measuring something else');
      if (!device.isSettled) return passing('not at their release yet');
      if (tries.some(({ issuedAtMs }) => nowMs - issuedAtMs < RETRY_MS)) return passing('asked lately without getting figures');
      if (askedToday(device.id) >= ASKED_PER_DAY_MAXIMUM) return passing('done for today');
      return undefined;
    },
  };
}
