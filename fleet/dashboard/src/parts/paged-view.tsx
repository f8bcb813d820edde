import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Pager } from './pager.tsx';
import { QueryView } from './query-view.tsx';

interface PagedViewProps<Item> {
  query: UseQueryResult<{ items: Item[]; total: number; limit: number; offset: number }>;
  heightPx: number;
  /** What the items are, in the plural. */
  what: string;
  onPage: (page: number) => void;
  /** Instead of a list without items. */
  empty: ReactNode;
  children: (items: readonly Item[]) => ReactNode;
}

/** One page of a list, and the way to the others. */
export function PagedView<Item>({ query, heightPx, what, onPage, empty, children }: PagedViewProps<Item>) {
  return (
    <QueryView query={query} heightPx={heightPx}>
      {({ items, total, limit, offset }) =>
        items.length === 0 ? (
          empty
        ) : (
          <>
            {children(items)}
            <Pager {...{ total, limit, offset }} what={what} onPage={onPage} />
          </>
        )
      }
    </QueryView>
  );
}
