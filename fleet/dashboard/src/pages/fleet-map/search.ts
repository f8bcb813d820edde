import { mapMeasures } from '@starling/shared';
import { z } from 'zod';
import { listSearchSchema } from '../../parts/list-search.ts';

export const mapOrders = ['worst', 'devices', 'site'] as const;

/** What the map keeps in the address. */
export const mapSearchSchema = listSearchSchema.extend({
  measure: z.enum(mapMeasures).optional().catch(undefined),
  sort: z.enum(mapOrders).optional().catch(undefined),
});
