import { Button, Group, Stack, TextInput } from '@mantine/core';
import { groupNameSchema } from '@starling/shared';
import { type FormEvent, useState } from 'react';
import { useSelectorCheck } from '../../data/selector-check.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { SelectorField } from '../../parts/selector-field.tsx';
import { countWords } from '../../parts/selector-words.ts';

export interface GroupDraft {
  name: string;
  description: string;
  select: string;
}

interface GroupFormProps {
  /** What stands in it at first. */
  draft: GroupDraft;
  /** The name of a group is what others use it by: it stays. */
  isNew: boolean;
  verb: string;
  isPending: boolean;
  error: unknown;
  onSubmit: (draft: GroupDraft) => void;
}

/** Name, description and selector of a group, with how many devices belong to it as it is written. */
export function GroupForm({ draft, isNew, verb, isPending, error, onSubmit }: GroupFormProps) {
  const [name, setName] = useState(draft.name);
  const [description, setDescription] = useState(draft.description);
  const [select, setSelect] = useState(draft.select);
  const { vocabulary, problem, counts } = useSelectorCheck(select, groupNameSchema.safeParse(name).success ? name : undefined);
  const nameProblem = name === '' ? undefined : groupNameSchema.safeParse(name).error?.issues[0]?.message;
  const isReady = groupNameSchema.safeParse(name).success && select.trim() !== '' && problem === undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isReady) onSubmit({ name, description, select });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Group align="flex-start" grow preventGrowOverflow={false}>
          {isNew && (
            <TextInput
              label="Name"
              placeholder="kitchens"
              value={name}
              onChange={({ currentTarget }) => setName(currentTarget.value)}
              error={nameProblem}
              miw="12rem"
            />
          )}
          <TextInput
            label="Description"
            value={description}
            onChange={({ currentTarget }) => setDescription(currentTarget.value)}
            maxLength={500}
            miw="12rem"
          />
        </Group>
        <SelectorField
          label="Selector"
          value={select}
          onChange={setSelect}
          {...{ vocabulary, problem, note: countWords(counts) ?? 'Who belongs to the group is asked each time.' }}
        />
        {error !== null && error !== undefined && <ProblemAlert error={error} />}
        <Group>
          <Button type="submit" loading={isPending} disabled={!isReady}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
