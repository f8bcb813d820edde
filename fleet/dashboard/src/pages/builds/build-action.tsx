import { Button } from '@mantine/core';
import type { BuildJob } from '@starling/shared';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { announceProblem } from '../../parts/notice.ts';
import { recipeWords } from '../../parts/recipe-words.ts';

const makesOld = ['listBuilds', 'showBuild', 'listModels', 'showModel'] as const;

/** Cancels a build that goes on, or starts one again that failed. */
export function BuildAction({ build: { id, model, version, recipe, state } }: { build: BuildJob }) {
  const { may } = useSession();
  const cancel = useChange('cancelBuild', { makesOld });
  const retry = useChange('retryBuild', { makesOld });
  if (!may('operator') || state === 'done') return null;
  const isGoing = state === 'queued' || state === 'running';
  const change = isGoing ? cancel : retry;
  return (
    <Button
      size="compact-xs"
      variant="default"
      loading={change.isPending}
      onClick={() => change.mutate({ params: { id } }, { onError: announceProblem })}
      aria-label={`${isGoing ? 'Cancel' : 'Retry'} the build of ${model} ${version}, ${recipeWords(recipe)}`}
    >
      {isGoing ? 'Cancel' : 'Retry'}
    </Button>
  );
}
