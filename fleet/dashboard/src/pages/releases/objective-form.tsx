import { Button, Group, NativeSelect, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { api, type Objective, objectiveGoalSchema, type ReleaseObjective, type ResponseOf, type StarlingError } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { apiClient } from '../../data/api-client.ts';
import { useChange } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { announce } from '../../parts/notice.ts';
import { goalWords } from '../../parts/objective-words.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { ChangeTable } from '../choices/change-table.tsx';
import { fieldsOf, type ObjectiveFields, objectiveFromForm } from './objective-from-form.ts';

const PAUSE_MS = 300;
const PREVIEWED = 25;
const limits: readonly { name: Exclude<keyof ObjectiveFields, 'minimise'>; label: string; placeholder?: string }[] = [
  { name: 'loss', label: 'Accuracy lost at most, points' },
  { name: 'p95', label: 'Latency at most, p95 in ms' },
  { name: 'millijoules', label: 'Energy of an inference at most, mJ' },
  { name: 'memory', label: 'Memory at most, MB' },
  { name: 'size', label: 'Size at most, MB' },
  { name: 'cost', label: 'Cost of 1,000 inferences at most, US$' },
];

interface ObjectiveFormProps {
  release: string;
  held: ReleaseObjective;
  onClose: () => void;
}

/** States another objective; what it would change is shown while it is typed. */
export function ObjectiveForm({ release, held, onClose }: ObjectiveFormProps) {
  const [fields, setFields] = useState(() => fieldsOf(held.objective));
  const objective = objectiveFromForm(fields);
  const [settled] = useDebouncedValue(objective, PAUSE_MS);
  const save = useChange('setObjective', {
    makesOld: ['showObjective', 'listProposals', 'explainChoice', 'listAudit'],
    onDone: () => {
      announce('The objective is set. Devices change when the proposals are applied.');
      onClose();
    },
  });
  const send = (next: Objective | null): void => save.mutate({ params: { digest: release }, body: { objective: next } });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    if (objective !== undefined) send(objective);
  };
  const put = (change: Partial<ObjectiveFields>): void => setFields((before) => ({ ...before, ...change }));
  return (
    <form onSubmit={submit} aria-label="Objective">
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <NativeSelect
            label="The least"
            data={objectiveGoalSchema.options.map((value) => ({ value, label: goalWords[value] }))}
            value={fields.minimise}
            onChange={({ currentTarget }) => put({ minimise: currentTarget.value })}
          />
          {limits.map(({ name, label }) => (
            <TextInput
              key={name}
              label={label}
              inputMode="decimal"
              placeholder="no limit"
              value={fields[name]}
              onChange={({ currentTarget }) => put({ [name]: currentTarget.value })}
            />
          ))}
        </SimpleGrid>
        {objective === undefined && (
          <Text size="sm" role="alert" c="var(--mantine-color-error)">
            Limits are numbers above zero.
          </Text>
        )}
        {settled !== undefined && <Preview release={release} objective={settled} />}
        {save.isError && <ProblemAlert error={save.error} />}
        <Group justify="flex-end">
          {held.origin === 'fleet' && (
            <Button variant="default" onClick={() => send(null)} disabled={save.isPending}>
              Back to that of the release
            </Button>
          )}
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={objective === undefined}>
            Set the objective
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Preview({ release, objective }: { release: string; objective: Objective }) {
  const preview = useQuery<ResponseOf<typeof api.previewChoices>, StarlingError>({
    queryKey: ['previewChoices', { release }, objective],
    queryFn: () => apiClient.call(api.previewChoices, { body: { release, objective }, query: { limit: PREVIEWED } }),
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  });
  return (
    <section aria-label="What it would change">
      <Title order={3} size="h6" mb={4}>
        What it would change
      </Title>
      <QueryView query={preview} heightPx={60}>
        {({ items, total }) => (
          <>
            <Text size="sm" c="dimmed" role="status">
              {changeWords(total)}
            </Text>
            {items.length > 0 && <ChangeTable changes={items} label="Choices that would change" />}
            {total > items.length && (
              <Text size="sm" c="dimmed">
                and {counted(total - items.length)} more
              </Text>
            )}
          </>
        )}
      </QueryView>
    </section>
  );
}

function changeWords(total: number): string {
  if (total === 0) return 'No choice: every device keeps what it runs.';
  return total === 1 ? 'One choice would be another.' : `${counted(total)} choices would be others.`;
}
