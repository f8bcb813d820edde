import { Button } from '@mantine/core';
import type { ModelView } from '@starling/shared';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { announceProblem } from '../../parts/notice.ts';

/** Has idle devices of every profile measure a model, whether or not they run it. */
export function MeasureButton({ model: { digest } }: { model: Pick<ModelView, 'digest'> }) {
  const { may } = useSession();
  const request = useChange('requestMeasuring', { makesOld: ['measurePlan'] });
  if (!may('operator')) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={request.isPending}
      onClick={() => request.mutate({ params: { digest }, body: {} }, { onError: announceProblem })}
    >
      Measure on every profile
    </Button>
  );
}
