import { Modal, Stack, Text, TextInput, Title, UnstyledButton } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import classes from './palette-dialog.module.css';
import { type Catalogue, type PaletteEntry, paletteEntries } from './palette-entries.ts';

interface PaletteDialogProps {
  catalogue: Catalogue;
  /** Pipelines that stand in the document already. */
  inside: readonly string[];
  onAdd: (entry: PaletteEntry) => void;
  onClose: () => void;
}

/** All that can be put into a graph, by what it is for, with words to narrow it by. */
export function PaletteDialog({ catalogue, inside, onAdd, onClose }: PaletteDialogProps) {
  const [search, setSearch] = useState('');
  const entries = useMemo(() => paletteEntries(catalogue, inside), [catalogue, inside]);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter(({ title, summary, group }) =>
    words.every((word) => `${title} ${summary} ${group}`.toLowerCase().includes(word)),
  );
  const groups = [...new Set(found.map(({ group }) => group))];
  return (
    <Modal opened onClose={onClose} size="lg" title="Add a node" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack gap="sm">
        <TextInput
          type="search"
          aria-label="Search operators, models and pipelines"
          placeholder="Search operators, models and pipelines"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
          data-autofocus
        />
        {found.length === 0 && (
          <Text size="sm" c="dimmed" role="status">
            Nothing fits these words.
          </Text>
        )}
        {groups.map((group) => (
          <section key={group} aria-label={group}>
            <Title order={3} size="h6" c="dimmed">
              {group}
            </Title>
            <div className={classes.entries}>
              {found
                .filter((entry) => entry.group === group)
                .map((entry) => (
                  <UnstyledButton key={entry.key} className={classes.entry} onClick={() => onAdd(entry)}>
                    <span className={classes.title}>{entry.title}</span>
                    <span className={classes.summary}>{entry.summary}</span>
                  </UnstyledButton>
                ))}
            </div>
          </section>
        ))}
      </Stack>
    </Modal>
  );
}
