import { Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ProblemAlert } from './problem-alert.tsx';

interface QueryViewProps<Data> {
  query: UseQueryResult<Data>;
  /** Height of the stand-in while the answer is on its way: that of what comes, so that nothing jumps. */
  heightPx?: number;
  children: (data: Data) => ReactNode;
}

/** The three states of everything that is read: on its way, refused, there. What was there stays while it is read again. */
export function QueryView<Data>({ query, heightPx = 160, children }: QueryViewProps<Data>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) return <ProblemAlert error={query.error} onRetry={() => void query.refetch()} />;
  return <Skeleton height={heightPx} radius="md" aria-busy="true" />;
}
