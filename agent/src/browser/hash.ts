import { sha256Hex } from '@starling/shared';
import type { Hash } from '../core/ports/hash.ts';

/** Web Crypto copies its input, and works on another thread: the link goes on meanwhile. */
export const hash: Hash = (bytes) => sha256Hex(bytes);
