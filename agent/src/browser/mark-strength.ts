/** Marks of a frame that is no older than this still fit what moves. */
const FITS_MS = 500;
/** From this age on they are faint; and they go when nothing newer has come for as long. */
const OLD_MS = 1_000;
const FAINT = 0.35;

/**
 * How strongly the marks of an earlier frame are drawn over the live picture: what moves has left them behind by the time that it takes to
 * read a frame.
 * @param ageMs since the frame was taken. @param shownMs since it was read
 * @returns 0, not at all, to 1
 */
export function markStrength(ageMs: number, shownMs: number): number {
  if (ageMs <= FITS_MS) return 1;
  if (ageMs > OLD_MS && shownMs > OLD_MS) return 0;
  return Math.max(FAINT, 1 - ((1 - FAINT) * (ageMs - FITS_MS)) / (OLD_MS - FITS_MS));
}
