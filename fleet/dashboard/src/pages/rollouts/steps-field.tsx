import { ActionIcon, Button, Group, NativeSelect, TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconPlus, IconTrash } from '@tabler/icons-react';
import type { FieldProblems } from '../../parts/field-problems.ts';
import { Fieldset } from '../../parts/fieldset.tsx';
import { rolloutLabel } from './rollout-labels.ts';
import { type StepFields, type StepKind, stepWords } from './spec-from-form.ts';

interface StepsFieldProps {
  steps: StepFields[];
  onChange: (steps: StepFields[]) => void;
  problems: FieldProblems;
}

const kinds = Object.entries(stepWords).map(([value, { label }]) => ({ value, label }));

/** The steps of a rollout: added, moved, taken away. */
export function StepsField({ steps, onChange, problems }: StepsFieldProps) {
  const put = (index: number, change: Partial<StepFields>): void =>
    onChange(steps.map((step, at) => (at === index ? { ...step, ...change } : step)));
  const move = (index: number, by: -1 | 1): void => {
    const moved = [...steps];
    const [step] = moved.splice(index, 1);
    if (step !== undefined) moved.splice(index + by, 0, step);
    onChange(moved);
  };
  const add = (): void => {
    const key = Math.max(0, ...steps.map((step) => step.key)) + 1;
    onChange([...steps, { key, kind: 'setPercent', value: '' }]);
  };
  return (
    <Fieldset legend={rolloutLabel('steps')} error={problems.own('steps')}>
      {steps.map((step, index) => (
        <Group key={step.key} gap="xs" align="flex-start" wrap="nowrap">
          <NativeSelect
            aria-label={`Kind of step ${index + 1}`}
            data={kinds}
            value={step.kind}
            flex="1 1 10rem"
            miw={0}
            onChange={({ currentTarget: { value } }) => put(index, { kind: value as StepKind, value: '' })}
          />
          <TextInput
            {...problems.at(`steps.${index}`)}
            label={undefined}
            aria-label={`Step ${index + 1}: ${stepWords[step.kind].asks}`}
            placeholder={stepWords[step.kind].placeholder}
            title={stepWords[step.kind].asks}
            value={step.value}
            flex="1 1 8rem"
            miw={0}
            onChange={({ currentTarget }) => put(index, { value: currentTarget.value })}
          />
          <ActionIcon
            variant="default"
            size="input-sm"
            aria-label={`Move step ${index + 1} up`}
            disabled={index === 0}
            onClick={() => move(index, -1)}
          >
            <IconArrowUp size={16} aria-hidden />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size="input-sm"
            aria-label={`Move step ${index + 1} down`}
            disabled={index === steps.length - 1}
            onClick={() => move(index, 1)}
          >
            <IconArrowDown size={16} aria-hidden />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size="input-sm"
            aria-label={`Take step ${index + 1} away`}
            onClick={() => onChange(steps.filter((_, at) => at !== index))}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={add}>
          Add a step
        </Button>
      </Group>
    </Fieldset>
  );
}
