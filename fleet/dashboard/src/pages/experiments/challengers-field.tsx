import { ActionIcon, Autocomplete, Button, Group, Text, TextInput } from '@mantine/core';
import { CHALLENGERS_MAXIMUM } from '@starling/shared';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { FieldProblems, FieldState } from '../../parts/field-problems.ts';
import { Fieldset } from '../../parts/fieldset.tsx';
import { experimentLabel } from './experiment-labels.ts';
import type { ChallengerFields } from './spec-from-form.ts';

interface ChallengersFieldProps {
  challengers: ChallengerFields[];
  onChange: (challengers: ChallengerFields[]) => void;
  /** Names that are offered; others can be written, as can digests. */
  releases: readonly string[];
  /** Each says its part of the items. */
  hasShares: boolean;
  problems: FieldProblems;
}

/** The releases that challenge: added, named, taken away. */
export function ChallengersField({ challengers, onChange, releases, hasShares, problems }: ChallengersFieldProps) {
  const at = (field: string): Omit<FieldState, 'label'> & { 'aria-label': string } => {
    const { label, ...state } = problems.at(field);
    return { 'aria-label': label, ...state };
  };
  const put = (index: number, change: Partial<ChallengerFields>): void =>
    onChange(challengers.map((each, at) => (at === index ? { ...each, ...change } : each)));
  const add = (): void => {
    const key = Math.max(0, ...challengers.map((each) => each.key)) + 1;
    onChange([...challengers, { key, release: '', percent: '10' }]);
  };
  return (
    <Fieldset legend={experimentLabel('challengers')} error={problems.own('challengers')}>
      {challengers.map((challenger, index) => (
        <Group key={challenger.key} gap="xs" align="flex-start" wrap="nowrap">
          <Autocomplete
            aria-required
            placeholder="Name or digest"
            data={[...releases]}
            value={challenger.release}
            flex="1 1 12rem"
            miw={0}
            onChange={(release) => put(index, { release })}
            {...at(`challengers.${index}.release`)}
          />
          {hasShares && (
            <TextInput
              inputMode="decimal"
              rightSection={
                <Text size="sm" c="dimmed" aria-hidden>
                  %
                </Text>
              }
              value={challenger.percent}
              flex="0 0 5rem"
              miw={0}
              onChange={({ currentTarget }) => put(index, { percent: currentTarget.value })}
              {...at(`challengers.${index}.percent`)}
            />
          )}
          <ActionIcon
            variant="default"
            size="input-sm"
            aria-label={`Take challenger ${index + 1} away`}
            disabled={challengers.length === 1}
            onClick={() => onChange(challengers.filter((_, at) => at !== index))}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <Button
          size="xs"
          variant="default"
          disabled={challengers.length >= CHALLENGERS_MAXIMUM}
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={add}
        >
          Add a challenger
        </Button>
      </Group>
    </Fieldset>
  );
}
