import { Button, Group, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { freeName } from './edit-document.ts';

interface NameAdderProps {
  /** `parameter`, `monitor` */
  word: string;
  taken: readonly string[];
  onAdd: (name: string) => void;
}

/** A name for something new, said to be wrong as it is typed. */
export function NameAdder({ word, taken, onAdd }: NameAdderProps) {
  const [name, setName] = useState('');
  const free = freeName(name, taken);
  const problem = name === '' || free === name ? undefined : `"${free}" could be its name`;
  const add = (): void => {
    if (name === '' || problem !== undefined) return;
    onAdd(name);
    setName('');
  };
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      <TextInput
        size="xs"
        flex={1}
        aria-label={`Name of a new ${word}`}
        placeholder={`name of a new ${word}`}
        value={name}
        error={problem}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
        onKeyDown={({ key }) => key === 'Enter' && add()}
      />
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPlus size={13} aria-hidden />}
        disabled={name === '' || problem !== undefined}
        onClick={add}
      >
        {`Add ${word}`}
      </Button>
    </Group>
  );
}
