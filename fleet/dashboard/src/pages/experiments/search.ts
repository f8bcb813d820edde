import { experimentStateSchema } from '@starling/shared';
import { z } from 'zod';

const page = z.number().int().min(1).max(100_000).optional().catch(undefined);

/** What the list of experiments keeps in the address. */
export const experimentsSearchSchema = z.object({ page, state: experimentStateSchema.optional().catch(undefined) });

/** What the page of an experiment keeps there: which of its devices are listed. */
export const experimentSearchSchema = z.object({ page });

/** What a form for a new one starts with: the release that challenges. */
export const newExperimentSearchSchema = z.object({ release: z.string().max(200).optional().catch(undefined) });
