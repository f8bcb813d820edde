import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from './context.ts';
import { numberOption, readOptions } from './options.ts';
import type { Column } from './table.ts';

export interface Page<Item> {
  items: Item[];
  total: number;
  limit: number;
  offset: number;
}

/** Most that the API answers at once. */
const PAGE_ITEMS_MAXIMUM = 200;

const pagingSchema = z.object({
  limit: numberOption().int().min(1).max(PAGE_ITEMS_MAXIMUM).default(50),
  offset: numberOption().int().min(0).default(0),
  all: z.boolean().default(false),
});

/** Every list has these. */
export function addPaging(command: Command): Command {
  return command
    .option('--limit <n>', `items to show, at most ${PAGE_ITEMS_MAXIMUM} (default 50)`)
    .option('--offset <n>', 'items to leave out at the beginning')
    .option('--all', 'every item, page by page');
}

/** Fetches the page that the options ask for, or all of them. */
export async function fetchPages<Item>(
  command: Command,
  fetchPage: (query: { limit: number; offset: number }) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  const { limit, offset, all } = readOptions(command, pagingSchema);
  return all ? fetchAll(fetchPage, offset) : fetchPage({ limit, offset });
}

export async function fetchAll<Item>(
  fetchPage: (query: { limit: number; offset: number }) => Promise<Page<Item>>,
  offset = 0,
): Promise<Page<Item>> {
  const items: Item[] = [];
  for (;;) {
    const page = await fetchPage({ limit: PAGE_ITEMS_MAXIMUM, offset: offset + items.length });
    items.push(...page.items);
    // An empty page ends it too: items may be removed while we read.
    if (page.items.length === 0 || offset + items.length >= page.total) return { items, total: page.total, limit: items.length, offset };
  }
}

/** Prints a page as a table, and says on stderr when there is more. */
export function showPage<Item>(
  { output }: Pick<Context, 'output'>,
  page: Page<Item>,
  shape: { columns: readonly Column<Item>[]; name(item: Item): string; empty: string },
): void {
  if (page.items.length === 0 && !output.json) {
    output.notice(page.total === 0 ? shape.empty : `there are only ${page.total}`);
    return;
  }
  output.result(
    page,
    () => output.table(page.items, shape.columns),
    () => page.items.map(shape.name),
  );
  const last = page.offset + page.items.length;
  if (last < page.total) output.notice(`${page.offset + 1} to ${last} of ${page.total}; --offset ${last} goes on, --all shows every one`);
}
