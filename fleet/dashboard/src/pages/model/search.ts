import { digestSchema } from '@starling/shared';
import { z } from 'zod';

export const modelTabs = ['artefacts', 'devices', 'layers', 'lineage', 'card'] as const;

/** What the page of a model keeps in the address: its part, and the artefact that is looked at. */
export const modelSearchSchema = z.object({
  tab: z.enum(modelTabs).optional().catch(undefined),
  artefact: digestSchema.optional().catch(undefined),
});
