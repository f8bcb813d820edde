import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSpecPreview } from '../../data/spec-preview.ts';
import { useFieldProblems } from '../../parts/field-problems.ts';
import { announce } from '../../parts/notice.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { SpecForm } from '../../parts/spec-form.tsx';
import { ExperimentForm } from './experiment-form.tsx';
import { experimentLabel } from './experiment-labels.ts';
import { PreviewPanel } from './preview-panel.tsx';
import { type ExperimentFields, emptyFields, problemsOf, specFromForm } from './spec-from-form.ts';

const route = getRouteApi('/shell/experiments/new');

/** A form, and beneath it which devices would take part; nothing moves before it is made. */
export function NewExperimentPage() {
  const { release = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const [fields, setFields] = useState<ExperimentFields>(() => ({ ...emptyFields, challengers: [{ key: 1, release, percent: '10' }] }));
  const { all } = fields;
  const spec = specFromForm(fields);
  const found = problemsOf(spec);
  const preview = useSpecPreview('previewExperiment', { spec, all }, found.size === 0);
  const create = useChange('createExperiment', {
    makesOld: ['listExperiments', 'listAudit'],
    onDone: ({ id, name, state }) => {
      announce(state === 'draft' ? `${name} waits to be started` : `${name} has started`);
      void navigate({ to: '/experiments/$id', params: { id } });
    },
  });
  const problems = useFieldProblems(found, create.error ?? preview.error, experimentLabel);
  const change = (changed: Partial<ExperimentFields>): void => {
    // What the fleet said was about what stood there before.
    create.reset();
    setFields((before) => ({ ...before, ...changed }));
  };
  return (
    <SpecForm
      title="New experiment"
      note="See which devices would take part, then make it. It can be paused and stopped at any time."
      back="/experiments"
      verb={fields.start ? 'Start the experiment' : 'Keep it as a draft'}
      command="starling experiment create -f experiment.yaml"
      {...{ spec, problems, sending: create }}
      onSend={() => create.mutate({ body: { spec, all } })}
      preview={
        <QueryView query={preview} heightPx={200}>
          {(answer) => <PreviewPanel preview={answer} />}
        </QueryView>
      }
    >
      <ExperimentForm fields={fields} onChange={change} problems={problems} />
    </SpecForm>
  );
}
