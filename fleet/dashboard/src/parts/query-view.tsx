import { Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { PageHeader } from './page-header.tsx';
import { ProblemAlert } from './problem-alert.tsx';

interface QueryViewProps<Data> {
  query: UseQueryResult<Data>;
  /** Height of the stand-in while the answer is on its way: that of what comes, so that nothing jumps. */
  heightPx?: number;
  /** Where this is all of a page: its title while there is nothing to show. */
  page?: string;
  children: (data: Data) => ReactNode;
}

/** The three states of everything that is read: on its way, refused, there. What was there stays while it is read again. */
export function QueryView<Data>({ query, heightPx = 160, page, children }: QueryViewProps<Data>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) {
    return (
      <>
        {page !== undefined && <PageHeader title={page} />}
        <ProblemAlert error={query.error} onRetry={() => void query.refetch()} />
      </>
    );
  }
  return <Skeleton height={heightPx} radius="md" aria-busy="true" />;
}
