import { ActionIcon, Autocomplete, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { CHALLENGERS_MAXIMUM } from '@starling/shared';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useId } from 'react';
import type { FieldProblems } from './field-problems.ts';
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
  const id = useId();
  const { error } = problems.at('challengers');
  const put = (index: number, change: Partial<ChallengerFields>): void =>
    onChange(challengers.map((each, at) => (at === index ? { ...each, ...change } : each)));
  const add = (): void => {
    const key = Math.max(0, ...challengers.map((each) => each.key)) + 1;
    onChange([...challengers, { key, release: '', percent: '10' }]);
  };
  return (
    <Stack gap="xs" component="fieldset" m={0} p={0} style={{ border: 'none', minWidth: 0 }} aria-describedby={error && id}>
      <legend style={{ fontSize: '0.875rem', fontWeight: 500, padding: 0, marginBottom: 4 }}>Challengers</legend>
      {challengers.map((challenger, index) => (
        <Group key={challenger.key} gap="xs" align="flex-start" wrap="nowrap">
          <Autocomplete
            aria-label={`Release of challenger ${index + 1}`}
            aria-required
            placeholder="Name or digest"
            data={[...releases]}
            value={challenger.release}
            flex="1 1 12rem"
            miw={0}
            onChange={(release) => put(index, { release })}
            {...problems.at(`challengers.${index}.release`)}
          />
          {hasShares && (
            <TextInput
              aria-label={`Percent of the items for challenger ${index + 1}`}
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
              {...problems.at(`challengers.${index}.percent`)}
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
      {error !== undefined && (
        <Text id={id} size="xs" c="error" role="alert">
          {error}
        </Text>
      )}
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
    </Stack>
  );
}
