import { Button, Group, Select, Stack, Text, Title } from '@mantine/core';
import { queuePolicySchema } from '@starling/shared';
import { IconTrash } from '@tabler/icons-react';
import type { DrawnEdge } from '../../graph/drawn-graph.ts';
import { typeText } from '../../graph/node-ports.ts';
import { CommitNumber } from './commit-fields.tsx';
import type { Edit } from './edit-document.ts';

const UNBOUNDED = 'unbounded';
const policyWords = {
  block: 'block: hold the sender back',
  'drop-oldest': 'drop-oldest: let the oldest go',
  'drop-newest': 'drop-newest: let the new one go',
  latest: 'latest: keep nothing but the newest',
} as const;

interface EdgeFormProps {
  edge: DrawnEdge;
  onEdit: (...edits: Edit[]) => void;
  onGone: () => void;
}

/** What waits on an edge, and how it is taken away. */
export function EdgeForm({ edge, onEdit, onGone }: EdgeFormProps) {
  const { from, fromPort, to, toPort, index, queue, type } = edge;
  if (index === undefined) return <Text size="sm">This line is set in the text: it is a trigger, or stands in an inner pipeline.</Text>;
  const set = (key: string, value: unknown): void => onEdit({ kind: 'set', path: ['edges', index, 'queue', key], value });
  return (
    <Stack gap="sm">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Title order={3} size="h5" style={{ overflowWrap: 'anywhere' }}>
          {`${from}.${fromPort} → ${to}.${toPort}`}
        </Title>
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconTrash size={13} aria-hidden />}
          onClick={() => {
            onEdit({ kind: 'disconnect', index });
            onGone();
          }}
        >
          Delete
        </Button>
      </Group>
      <Text size="sm">Carries {typeText(type)}.</Text>
      <Select
        size="xs"
        label="Queue"
        description="What happens to values that wait here"
        data={[
          { value: UNBOUNDED, label: 'as long as there are items in the graph' },
          ...queuePolicySchema.options.map((policy) => ({ value: policy, label: policyWords[policy] })),
        ]}
        value={queue?.policy ?? UNBOUNDED}
        allowDeselect={false}
        onChange={(value) =>
          value === UNBOUNDED
            ? onEdit({ kind: 'set', path: ['edges', index, 'queue'] })
            : onEdit({ kind: 'set', path: ['edges', index, 'queue'], value: { length: queue?.length ?? 4, policy: value } })
        }
      />
      {queue !== undefined && (
        <CommitNumber
          label="Values that may wait"
          min={1}
          max={1024}
          allowDecimal={false}
          value={queue.length}
          onCommit={(value) => set('length', value)}
        />
      )}
    </Stack>
  );
}
