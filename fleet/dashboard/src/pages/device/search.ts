import { z } from 'zod';

export const deviceTabs = ['now', 'graph', 'measures', 'events', 'hardware'] as const;
export const rangeHours = [1, 6, 24, 168] as const;

/** What the page of a device keeps in the address: its part, and the range of its charts. */
export const deviceSearchSchema = z.object({
  tab: z.enum(deviceTabs).optional().catch(undefined),
  hours: z.literal(rangeHours).optional().catch(undefined),
  page: z.number().int().min(1).optional().catch(undefined),
});
export type DeviceSearch = z.infer<typeof deviceSearchSchema>;
