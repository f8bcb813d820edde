import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { useChange } from '../data/queries.ts';
import { CommandBox } from './command-box.tsx';
import { announce } from './notice.ts';
import { ProblemAlert } from './problem-alert.tsx';

interface SignPanelProps {
  document: { name: string };
  endpoint: keyof typeof madeOld;
  /** Files that the way to the signature needs. */
  files: readonly { name: string; words: string; content: unknown }[];
  /** Does it all where the publisher key is. */
  command: string;
  onDone: () => void;
}

/** What a registered document makes old. */
const madeOld = {
  createModel: ['listModels', 'listBuilds', 'overview'],
  createPipeline: ['listPipelines', 'overview'],
  createRelease: ['listReleases', 'overview'],
} as const;

/** The way from a drafted document to a signed one. The publisher key never comes into the browser or the fleet. */
export function SignPanel({ document, endpoint, files, command, onDone }: SignPanelProps) {
  const [signed, setSigned] = useState('');
  const create = useChange(endpoint, {
    makesOld: madeOld[endpoint],
    onDone: () => {
      announce(`${document.name} is registered`);
      onDone();
    },
  });
  return (
    <Stack gap="sm">
      <Text size="sm">
        Only the publisher's signature makes this real: devices trust that key alone, and it stays with you. The command signs and registers
        in one go.
      </Text>
      <CommandBox label="In a terminal that holds the publisher key:" command={command} />
      <Group>
        {files.map(({ name, words, content }) => (
          <Button
            key={name}
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            onClick={() => save(name, content)}
          >
            {words}
          </Button>
        ))}
      </Group>
      <Textarea
        label="Or paste the signed document"
        description="A compact JWS of exactly this document."
        autosize
        minRows={2}
        maxRows={5}
        value={signed}
        onChange={({ currentTarget }) => setSigned(currentTarget.value)}
      />
      {create.isError && <ProblemAlert error={create.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          Close
        </Button>
        <Button
          disabled={signed.trim() === ''}
          loading={create.isPending}
          onClick={() => create.mutate({ body: { signed: signed.trim() } })}
        >
          Register
        </Button>
      </Group>
    </Stack>
  );
}

/** Saves text as it stands, everything else as JSON. */
export function save(name: string, content: unknown): void {
  const blob =
    typeof content === 'string'
      ? new Blob([content], { type: 'text/yaml' })
      : new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' });
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
