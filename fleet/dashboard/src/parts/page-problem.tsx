import { isStarlingError } from '@starling/shared';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useLiveState } from '../data/live.tsx';
import { ProblemAlert } from './problem-alert.tsx';

/** A page that could not be shown at all. */
export function PageProblem({ error, reset }: ErrorComponentProps) {
  return isStarlingError(error) && error.code === 'page-not-fetched' ? <PageNotFetched /> : <ProblemAlert error={error} onRetry={reset} />;
}

/** The program of a page comes from the fleet when the page is opened: the fleet is away, or was updated since this window was loaded. */
function PageNotFetched() {
  const live = useLiveState();
  const wasAway = useRef(false);
  useEffect(() => {
    if (live === 'away') wasAway.current = true;
    if (live === 'live' && wasAway.current) window.location.reload();
  }, [live]);
  return (
    <ProblemAlert
      title="This page could not be fetched"
      error="The fleet does not answer, or it was updated while this window was open. As soon as the fleet is back the page comes by itself."
      onRetry={reloadIfThere}
    />
  );
}

/** A reload while the fleet is away would put the browser's own page in this one's place. */
function reloadIfThere(): void {
  fetch('/', { method: 'HEAD', cache: 'no-store' }).then(
    () => window.location.reload(),
    () => undefined,
  );
}
