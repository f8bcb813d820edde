import { Alert, Button, Group } from '@mantine/core';
import type { RolloutSpecInput } from '@starling/shared';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSpecPreview } from '../../data/spec-preview.ts';
import { specText } from '../../format/typed-value.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { announce } from '../../parts/notice.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { PreviewPanel } from './preview-panel.tsx';
import { RolloutForm } from './rollout-form.tsx';
import { emptyFields, problemOf, type RolloutFields, specFromForm } from './spec-from-form.ts';

const route = getRouteApi('/shell/rollouts/new');

/** A form, and beneath it what the rollout would do; nothing moves before it is started. */
export function NewRolloutPage() {
  const { release } = route.useSearch();
  const navigate = route.useNavigate();
  const [fields, setFields] = useState<RolloutFields>(() => ({ ...emptyFields, release: release ?? '' }));
  const { all } = fields;
  const spec = specFromForm(fields);
  const problem = problemOf(spec);
  const create = useChange('createRollout', {
    makesOld: ['listRollouts', 'listAudit'],
    onDone: ({ id, name }) => {
      announce(`${name} has started`);
      void navigate({ to: '/rollouts/$id', params: { id } });
    },
  });
  // What the name is, and whether a release was chosen, one sees; the rest is said where it is wrong.
  const isBegun = fields.name !== '' && fields.release !== '' && fields.selector.trim() !== '';
  return (
    <>
      <PageHeader title="New rollout" note="See what it would do, then start it. It can be paused, aborted and rolled back at any time." />
      <RolloutForm fields={fields} onChange={(change) => setFields((before) => ({ ...before, ...change }))} />
      {isBegun && problem !== undefined && (
        <Alert
          role="alert"
          color="red"
          variant="outline"
          title={`Not right yet: ${problem.field}`}
          styles={{ root: { background: 'var(--surface)' } }}
        >
          {problem.message}
        </Alert>
      )}
      {isBegun && problem === undefined && <Preview spec={spec} all={all} />}
      {create.isError && <ProblemAlert error={create.error} />}
      <Group justify="flex-end">
        <ButtonLink to="/rollouts" variant="default">
          Cancel
        </ButtonLink>
        <Button
          loading={create.isPending}
          disabled={!isBegun || problem !== undefined}
          onClick={() => create.mutate({ body: { spec, all } })}
        >
          Start the rollout
        </Button>
      </Group>
      {isBegun && problem === undefined && (
        <CommandBox label="The same as a file, for starling rollout create -f rollout.yaml" command={specText(spec)} />
      )}
    </>
  );
}

function Preview({ spec, all }: { spec: RolloutSpecInput; all: boolean }) {
  const preview = useSpecPreview('previewRollout', { spec, all });
  return (
    <QueryView query={preview} heightPx={320}>
      {(found) => <PreviewPanel preview={found} />}
    </QueryView>
  );
}
