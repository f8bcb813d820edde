/** Devices, processes of one fleet -> which process hears which devices, and who does what only one may do. */
export { createGreeter, type Greeter } from './greet.ts';
export { shardOf, shards } from './shard.ts';
