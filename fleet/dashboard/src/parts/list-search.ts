import { z } from 'zod';

/** What a list keeps in the address: page, from 1, and the words it is narrowed by. Anything odd is left out. */
export const listSearchSchema = z.object({
  page: z.number().int().min(1).max(10_000).optional().catch(undefined),
  search: z.string().max(200).optional().catch(undefined),
});

export const PAGE_ITEMS = 25;

export function pageQuery(page: number | undefined, items = PAGE_ITEMS): { limit: number; offset: number } {
  return { limit: items, offset: ((page ?? 1) - 1) * items };
}
