import { ActionIcon, Button, Group, Stack, Text, Title } from '@mantine/core';
import type { PortTexts } from '@starling/shared';
import { IconPlus, IconX } from '@tabler/icons-react';
import { CommitText } from './commit-fields.tsx';
import { type Edit, freeName } from './edit-document.ts';
import { MonitorsForm } from './monitors-form.tsx';
import { ParametersForm } from './parameters-form.tsx';
import type { Draft } from './read-draft.ts';

interface PipelineFormProps {
  draft: Draft;
  /** Ports that give values. */
  outputs: readonly string[];
  onEdit: (...edits: Edit[]) => void;
}

/** What the pipeline is called, and what it takes and gives. */
export function PipelineForm({ draft, outputs, onEdit }: PipelineFormProps) {
  const set = (key: string) => (value: string) => onEdit({ kind: 'set', path: [key], value });
  return (
    <Stack gap="sm">
      <Title order={3} size="h5">
        The pipeline
      </Title>
      <Group grow align="flex-start">
        <CommitText label="Name" value={draft.name} onCommit={set('name')} />
        <CommitText label="Version" value={draft.version} onCommit={set('version')} />
      </Group>
      <Ports side="inputs" word="Input" ports={draft.graph.inputs} newType="encoded-image" onEdit={onEdit} />
      <Ports side="outputs" word="Output" ports={draft.graph.outputs} newType="json" onEdit={onEdit} />
      <ParametersForm parameters={draft.graph.parameters ?? {}} onEdit={onEdit} />
      <MonitorsForm monitors={draft.graph.monitors} outputs={outputs} onEdit={onEdit} />
    </Stack>
  );
}

interface PortsProps extends Pick<PipelineFormProps, 'onEdit'> {
  side: 'inputs' | 'outputs';
  word: string;
  ports: PortTexts;
  newType: string;
}

function Ports({ side, word, ports, newType, onEdit }: PortsProps) {
  return (
    <div>
      <Group justify="space-between">
        <Text size="sm" fw={600}>
          {word}s
        </Text>
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconPlus size={13} aria-hidden />}
          onClick={() =>
            onEdit({ kind: 'set', path: [side, freeName(word.toLowerCase(), [...Object.keys(ports), word.toLowerCase()])], value: newType })
          }
        >
          Add
        </Button>
      </Group>
      {Object.entries(ports).map(([name, type]) => (
        <Group key={name} gap={6} mt={4} wrap="nowrap">
          <CommitText
            aria-label={`Name of ${word.toLowerCase()} ${name}`}
            w="38%"
            value={name}
            onCommit={(next) => next !== '' && onEdit({ kind: 'rename-port', side, name, to: next })}
          />
          <CommitText
            aria-label={`Type of ${word.toLowerCase()} ${name}`}
            value={type}
            flex={1}
            onCommit={(value) => onEdit({ kind: 'set', path: [side, name], value })}
          />
          <ActionIcon
            variant="default"
            size="md"
            aria-label={`Remove ${word.toLowerCase()} ${name}`}
            onClick={() => onEdit({ kind: 'remove-port', side, name })}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
    </div>
  );
}
