import { Box, Table, Text } from '@mantine/core';
import type { RolloutView } from '@starling/shared';
import { counted } from '../../format/quantity.ts';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { isOpen, rolloutTones } from './state-words.ts';
import { WaveBar } from './wave-bar.tsx';

/** Rollouts with how far they are, and what they wait for. */
export function RolloutTable({ rollouts }: { rollouts: readonly RolloutView[] }) {
  return (
    <WideTable label="Rollouts" highlightOnHover stacks>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Rollout</Table.Th>
          <Table.Th>Release</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th miw={220}>Devices</Table.Th>
          <Table.Th>Waits for, or why</Table.Th>
          <Table.Th>Made</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rollouts.map((rollout) => (
          <RolloutRow key={rollout.id} rollout={rollout} />
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function RolloutRow({ rollout }: { rollout: RolloutView }) {
  const { id, name, release, releaseName, state, step, steps, stepName, counts, total, waiting, why, createdAtMs, createdBy } = rollout;
  return (
    <Table.Tr>
      <Table.Td data-title="Rollout">
        <TextLink to="/rollouts/$id" params={{ id }} fw={600}>
          {name}
        </TextLink>
      </Table.Td>
      <Table.Td data-title="Release">
        <TextLink to="/releases/$digest" params={{ digest: release }} size="sm">
          {releaseName}
        </TextLink>
      </Table.Td>
      <Table.Td data-title="State">
        <Tag tone={rolloutTones[state]} isActive={isOpen(state) && state !== 'paused'}>
          {state}
        </Tag>
      </Table.Td>
      <Table.Td data-title="Devices">
        <Box w="100%">
          <WaveBar counts={counts} isBare />
          <Text size="xs" c="dimmed" mt={4}>
            {counted(counts.succeeded ?? 0)} of {counted(total)}
            {isOpen(state) && steps > 0 && `, step ${Math.min(step + 1, steps)} of ${steps}`}
            {stepName !== null && `, ${stepName}`}
          </Text>
        </Box>
      </Table.Td>
      <Table.Td maw={360} data-long data-title="Waits for, or why">
        <Text size="sm" c="dimmed">
          {why ?? waiting?.text ?? '–'}
        </Text>
      </Table.Td>
      <Table.Td data-title="Made">
        <div>
          <Moment atMs={createdAtMs} />
          <Text size="xs" c="dimmed">
            {createdBy}
          </Text>
        </div>
      </Table.Td>
    </Table.Tr>
  );
}
