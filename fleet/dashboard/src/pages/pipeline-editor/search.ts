import { z } from 'zod';

/** What the editor begins with: a pipeline version, or nothing. */
export const editorSearchSchema = z.object({
  from: z.string().max(128).optional().catch(undefined),
});
