import { isStarlingError } from '@starling/shared';
import { QueryCache, QueryClient } from '@tanstack/react-query';

/** Called when the session has ended while the page was open. */
type OnSignedOut = () => void;

const listeners = new WeakMap<QueryClient, OnSignedOut>();

export function createQueries(): QueryClient {
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (isStarlingError(error) && error.code === 'not-signed-in') listeners.get(queries)?.();
      },
    }),
    // Live events say what became old, so nothing is read again only because a window got the focus.
    // A fleet on this machine or in its network is there without the internet, whose loss the browser calls offline.
    defaultOptions: {
      queries: { staleTime: 30_000, refetchOnWindowFocus: false, networkMode: 'always' },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
  return queries;
}

/** @returns stops listening */
export function onSignedOut(queries: QueryClient, listener: OnSignedOut): () => void {
  listeners.set(queries, listener);
  return () => void listeners.delete(queries);
}
