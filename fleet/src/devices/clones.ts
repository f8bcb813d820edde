/** Recent lives of a device that are remembered: more than two clones of one disk take turns too. */
const LIVES_KEPT = 8;
/** Two that fight over one name reconnect every few seconds; it is told once in a while. */
const TELL_AGAIN_MS = 3_600_000;

/** Tells a device that was started again from two devices with one key. */
export interface CloneWatch {
  /** A life of a device has said hello. @returns true if it is told now that there are two */
  isClone(device: string, bootId: string, nowMs: number): boolean;
}

/**
 * A boot id is made anew at each start of an agent. A device that was started again never comes back with an earlier one; two devices
 * under one key do, since the broker cuts whichever was there first and that one connects again.
 */
export function createCloneWatch(): CloneWatch {
  const lives = new Map<string, string[]>();
  const toldAtMs = new Map<string, number>();
  return {
    isClone(device, bootId, nowMs) {
      const known = lives.get(device) ?? [];
      const hasComeBack = known.includes(bootId) && known.at(-1) !== bootId;
      lives.set(device, [...known.filter((each) => each !== bootId), bootId].slice(-LIVES_KEPT));
      if (!hasComeBack || nowMs - (toldAtMs.get(device) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) return false;
      toldAtMs.set(device, nowMs);
      return true;
    },
  };
}
