/** Devices, processes of one fleet -> which process hears which devices, and who does what only one may do. */
export { createGreeter, type Greeter } from './greet.ts';
export { liveLeases } from './lease-store.ts';
export type { Duty } from './plan-shares.ts';
export { type ProcessShares, processShares, sharesAlone } from './process-shares.ts';
export { shardOf, shards } from './shard.ts';
export { createSharing, type Sharing } from './sharing.ts';
