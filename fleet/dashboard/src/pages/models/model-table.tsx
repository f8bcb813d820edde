import { Group, Text } from '@mantine/core';
import type { ArtefactView, BuildJob, ModelView } from '@starling/shared';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { buildTones } from '../../parts/build-tones.ts';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { type RowColumn, RowTable } from '../../parts/row-table.tsx';
import { Tag } from '../../parts/tag.tsx';

/** Model versions with what was built of them. */
export function ModelTable({ models }: { models: readonly ModelView[] }) {
  return (
    <RowTable label="Model versions" highlightOnHover stacks={false} rows={models} rowKey={({ digest }) => digest} columns={modelColumns} />
  );
}

const modelColumns: readonly RowColumn<ModelView>[] = [
  {
    title: 'Model',
    cell: ({ digest, name, version }) => (
      <>
        <TextLink to="/models/$digest" params={{ digest }} fw={600}>
          {name}
        </TextLink>
        <Text size="xs" c="dimmed">
          {version}
        </Text>
      </>
    ),
  },
  { title: 'Task', cell: ({ document }) => document.card.task },
  { title: 'Source', style: { whiteSpace: 'nowrap' }, cell: ({ document }) => inWords(bytesOf(document.source.sizeBytes)) },
  { title: 'Artefacts', cell: ({ artefacts }) => <ArtefactChips artefacts={artefacts} /> },
  { title: 'Build', cell: ({ builds }) => <BuildTag build={builds[0]} /> },
  { title: 'Pushed', cell: ({ createdAtMs }) => <Moment atMs={createdAtMs} /> },
];

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
