/** One collection of the young objects; the old ones too if asked. Throws nothing. */
type Collect = (old: boolean) => void;

export const COLLECT_YOUNG_BYTES = 32 * 1024 * 1024;
/** A tensor that lived through two young collections counts as old. */
export const COLLECT_OLD_BYTES = 8 * COLLECT_YOUNG_BYTES;

/**
 * Counts the bytes that pass through shared buffers, and collects after enough of them. V8 does not count the memory behind a
 * SharedArrayBuffer: gigabytes hang on dead objects that look tiny to it, and it sees no reason to collect (600 tensors of 4 MB,
 * one alive at a time: 2.5 GB resident, against 0.1 with this).
 */
export function createSharedMemoryWatch(collect: Collect): (bytes: number) => void {
  let young = 0;
  let old = 0;
  return (bytes) => {
    young += bytes;
    old += bytes;
    if (old >= COLLECT_OLD_BYTES) {
      young = 0;
      old = 0;
      collect(true);
    } else if (young >= COLLECT_YOUNG_BYTES) {
      young = 0;
      collect(false);
    }
  };
}

/** The collector of this thread, where the process was started with `--expose-gc`; otherwise V8 is left alone. */
export function collectHere(old: boolean): void {
  globalThis.gc?.({ type: old ? 'major' : 'minor' });
}
