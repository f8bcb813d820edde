import { EXPRESSION_CHARACTERS_MAXIMUM } from '@starling/shared';
import { z } from 'zod';
import { listSearchSchema } from '../../parts/list-search.ts';

export const deviceStatuses = ['online', 'offline', 'silent', 'failed', 'pending', 'active', 'revoked'] as const;
export const deviceOrders = ['name', 'lastSeen', 'enrolled', 'profile'] as const;

/** What the list of devices keeps in the address. */
export const devicesSearchSchema = listSearchSchema.extend({
  status: z.enum(deviceStatuses).optional().catch(undefined),
  select: z.string().max(EXPRESSION_CHARACTERS_MAXIMUM).optional().catch(undefined),
  profile: z.string().max(64).optional().catch(undefined),
  sort: z.enum(deviceOrders).optional().catch(undefined),
});
export type DevicesSearch = z.infer<typeof devicesSearchSchema>;
