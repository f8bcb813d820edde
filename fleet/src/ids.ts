import { randomBytes } from 'node:crypto';
import { makeRandomId } from '@starling/shared';
import type { Ids } from './ports.ts';

export const systemIds: Ids = {
  next: () => makeRandomId((count) => randomBytes(count)),
  bytes: (count) => randomBytes(count),
};
