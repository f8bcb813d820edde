import { Group, Table, Text } from '@mantine/core';
import type { ArtefactView, BuildJob, ModelView } from '@starling/shared';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { buildTones } from '../../parts/build-tones.ts';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** Model versions with what was built of them. */
export function ModelTable({ models }: { models: readonly ModelView[] }) {
  return (
    <WideTable label="Model versions" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Model</Table.Th>
          <Table.Th>Task</Table.Th>
          <Table.Th>Source</Table.Th>
          <Table.Th>Artefacts</Table.Th>
          <Table.Th>Build</Table.Th>
          <Table.Th>Pushed</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {models.map((model) => (
          <Table.Tr key={model.digest}>
            <Table.Td>
              <TextLink to="/models/$digest" params={{ digest: model.digest }} fw={600}>
                {model.name}
              </TextLink>
              <Text size="xs" c="dimmed">
                {model.version}
              </Text>
            </Table.Td>
            <Table.Td>{model.document.card.task}</Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>{inWords(bytesOf(model.document.source.sizeBytes))}</Table.Td>
            <Table.Td>
              <ArtefactChips artefacts={model.artefacts} />
            </Table.Td>
            <Table.Td>
              <BuildTag build={model.builds[0]} />
            </Table.Td>
            <Table.Td>
              <Moment atMs={model.createdAtMs} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function ArtefactChips({ artefacts }: { artefacts: readonly ArtefactView[] }) {
  if (artefacts.length === 0) return <>none yet</>;
  return (
    <Group gap={6}>
      {artefacts.map(({ digest, precision, sizeBytes }) => (
        <Tag key={digest} tone="busy">
          {precision} {inWords(bytesOf(sizeBytes))}
        </Tag>
      ))}
    </Group>
  );
}

function BuildTag({ build }: { build: BuildJob | undefined }) {
  if (build === undefined) return <>–</>;
  return (
    <Tag tone={buildTones[build.state]} isActive={build.state === 'running'}>
      {build.state === 'running' ? `${build.progressPercent} %` : build.state}
    </Tag>
  );
}
