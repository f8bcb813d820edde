import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSpecPreview } from '../../data/spec-preview.ts';
import { useFieldProblems } from '../../parts/field-problems.ts';
import { announce } from '../../parts/notice.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { SpecForm } from '../../parts/spec-form.tsx';
import { PreviewPanel } from './preview-panel.tsx';
import { RolloutForm } from './rollout-form.tsx';
import { rolloutLabel } from './rollout-labels.ts';
import { emptyFields, problemsOf, type RolloutFields, specFromForm } from './spec-from-form.ts';

const route = getRouteApi('/shell/rollouts/new');

/** A form, and beneath it what the rollout would do; nothing moves before it is started. */
export function NewRolloutPage() {
  const { release } = route.useSearch();
  const navigate = route.useNavigate();
  const [fields, setFields] = useState<RolloutFields>(() => ({ ...emptyFields, release: release ?? '' }));
  const { all } = fields;
  const spec = specFromForm(fields);
  const found = problemsOf(spec);
  const preview = useSpecPreview('previewRollout', { spec, all }, found.size === 0);
  const create = useChange('createRollout', {
    makesOld: ['listRollouts', 'listAudit'],
    onDone: ({ id, name }) => {
      announce(`${name} has started`);
      void navigate({ to: '/rollouts/$id', params: { id } });
    },
  });
  const problems = useFieldProblems(found, create.error ?? preview.error, rolloutLabel);
  const change = (changed: Partial<RolloutFields>): void => {
    // What the fleet said was about what stood there before.
    create.reset();
    setFields((before) => ({ ...before, ...changed }));
  };
  return (
    <SpecForm
      title="New rollout"
      note="See what it would do, then start it. It can be paused, aborted and rolled back at any time."
      back="/rollouts"
      verb="Start the rollout"
      command="starling rollout create -f rollout.yaml"
      {...{ spec, problems, sending: create }}
      onSend={() => create.mutate({ body: { spec, all } })}
      preview={
        <QueryView query={preview} heightPx={320}>
          {(answer) => <PreviewPanel preview={answer} />}
        </QueryView>
      }
    >
      <RolloutForm fields={fields} onChange={change} problems={problems} />
    </SpecForm>
  );
}
