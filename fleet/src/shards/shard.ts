/**
 * The shards of a fleet. A device id is base32 of a SHA-256, so its first character spreads devices evenly, and says by itself where a device
 * belongs: in a topic, and in a range of the primary key. There are 32, for good: more processes than that find nothing to take.
 */
export const shards: readonly string[] = [...'abcdefghijklmnopqrstuvwxyz234567'];

export function shardOf(device: string): string {
  return device.slice(0, 1);
}
