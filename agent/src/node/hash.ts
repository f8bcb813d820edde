import { createHash } from 'node:crypto';
import type { Hash } from '../core/ports/hash.ts';

/** On the calling thread: a chunk takes about 0.2 ms, less than to hand it to another. */
export const hash: Hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
