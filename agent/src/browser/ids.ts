import type { Random } from '../core/ports/random.ts';

export const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  number: () => Math.random(),
};
