import { Alert, Button, Group, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSpecPreview } from '../../data/spec-preview.ts';
import { specText } from '../../format/typed-value.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { announce } from '../../parts/notice.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { ExperimentForm } from './experiment-form.tsx';
import { useFieldProblems } from './field-problems.ts';
import { PreviewPanel } from './preview-panel.tsx';
import { type ExperimentFields, emptyFields, problemsOf, specFromForm } from './spec-from-form.ts';

const route = getRouteApi('/shell/experiments/new');

/** A form, and beneath it which devices would take part; nothing moves before it is made. */
export function NewExperimentPage() {
  const { release = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const form = useRef<HTMLFormElement>(null);
  const [fields, setFields] = useState<ExperimentFields>(() => ({ ...emptyFields, challengers: [{ key: 1, release, percent: '10' }] }));
  const [isAsked, setAsked] = useState(false);
  const { all } = fields;
  const spec = specFromForm(fields);
  const found = problemsOf(spec);
  const isRight = found.size === 0;
  const preview = useSpecPreview('previewExperiment', { spec, all }, isRight);
  const create = useChange('createExperiment', {
    makesOld: ['listExperiments', 'listAudit'],
    onDone: ({ id, name, state }) => {
      announce(state === 'draft' ? `${name} waits to be started` : `${name} has started`);
      void navigate({ to: '/experiments/$id', params: { id } });
    },
  });
  const problems = useFieldProblems(found, create.error ?? preview.error);
  const change = (changed: Partial<ExperimentFields>): void => {
    // What the fleet said was about what stood there before.
    create.reset();
    setFields((before) => ({ ...before, ...changed }));
  };
  const send = (): void => {
    problems.ask();
    setAsked(true);
    if (isRight) create.mutate({ body: { spec, all } });
    // The words of a field are there once it is drawn again.
    else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
  };
  return (
    <form
      ref={form}
      noValidate
      style={{ display: 'contents' }}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <PageHeader
        title="New experiment"
        note="See which devices would take part, then make it. It can be paused and stopped at any time."
      />
      <ExperimentForm fields={fields} onChange={change} problems={problems} />
      {isAsked && !isRight && <Wrong problems={found} />}
      {isRight && !create.isError && (
        <QueryView query={preview} heightPx={200}>
          {(answer) => <PreviewPanel preview={answer} />}
        </QueryView>
      )}
      {create.isError && <ProblemAlert error={create.error} />}
      <Group justify="flex-end">
        <ButtonLink to="/experiments" variant="default">
          Cancel
        </ButtonLink>
        <Button type="submit" loading={create.isPending}>
          {fields.start ? 'Start the experiment' : 'Keep it as a draft'}
        </Button>
      </Group>
      {isRight && <CommandBox label="The same as a file, for starling experiment create -f experiment.yaml" command={specText(spec)} />}
    </form>
  );
}

function Wrong({ problems }: { problems: ReadonlyMap<string, string> }) {
  return (
    <Alert role="alert" color="red" variant="outline" title="Not right yet" styles={{ root: { background: 'var(--surface)' } }}>
      {[...problems].map(([field, message]) => (
        <Text key={field} size="sm">
          <span className="mono">{field}</span>: {message}
        </Text>
      ))}
    </Alert>
  );
}
