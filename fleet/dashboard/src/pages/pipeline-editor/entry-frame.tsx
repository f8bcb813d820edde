import { ActionIcon, Fieldset, Group, Stack, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** One named thing of the pipeline with its fields, and the way to be rid of it. */
export function EntryFrame({ word, name, onRemove, children }: { word: string; name: string; onRemove: () => void; children: ReactNode }) {
  return (
    <Fieldset p="xs" aria-label={`${word} ${name}`}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {name}
        </Text>
        <ActionIcon variant="default" size="sm" aria-label={`Remove ${word} ${name}`} onClick={onRemove}>
          <IconX size={13} aria-hidden />
        </ActionIcon>
      </Group>
      <Stack gap={6} mt={4}>
        {children}
      </Stack>
    </Fieldset>
  );
}
