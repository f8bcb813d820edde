import { bytesToHex } from '../digest.ts';

/** Bytes of the digest that make a point: 48 bits, which a double holds exactly. */
const POINT_BYTES = 6;

/** The text whose SHA-256 says where an item goes. @param experiment id, which salts it: two experiments split the same items apart */
export function splitText(experiment: string, key: string): string {
  return `${experiment}\n${key}`;
}

/** A digest as a point: its first six bytes, as a fraction. @returns 0 <= point < 1 */
export function pointOf(digest: Uint8Array): number {
  return Number.parseInt(bytesToHex(digest.subarray(0, POINT_BYTES)), 16) / 2 ** (8 * POINT_BYTES);
}

/**
 * Which arm a point belongs to. Challengers lie from 0 on in their order, the champion has what is above: so with one challenger, a share
 * that grows takes items from the champion and gives none back.
 * @param shares of the challengers
 * @returns the place of a challenger; undefined for the champion
 */
export function armAt(shares: readonly number[], point: number): number | undefined {
  let upTo = 0;
  for (const [arm, share] of shares.entries()) {
    upTo += share;
    if (point < upTo) return arm;
  }
  return undefined;
}
