import { Drawer, List, Stack, Table, Text, Title } from '@mantine/core';
import type { ArtefactDetail } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { read } from '../../data/queries.ts';
import { changeOf, changeRange, decibels } from '../../format/change.ts';
import { bytesOf, compact, counted, inWords, percentOf } from '../../format/quantity.ts';
import { duration } from '../../format/time.ts';
import { Digest } from '../../parts/digest.tsx';
import { Facts } from '../../parts/facts.tsx';
import { metricWords } from '../../parts/metric-words.ts';
import { ExactMoment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { kindWords, recipeFacts } from '../../parts/recipe-words.ts';
import { WideTable } from '../../parts/wide-table.tsx';

/** All about one artefact: how good it is, what it needs, what it was made of and how. */
export function ArtefactDrawer({ digest, onClose }: { digest: string; onClose: () => void }) {
  const artefact = useQuery(read('showArtefact', { params: { digest } }));
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      title={artefact.data === undefined ? 'Artefact' : kindWords(artefact.data)}
      styles={{ title: { fontWeight: 600 } }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <QueryView query={artefact} heightPx={480}>
        {(detail) => <Detail artefact={detail} />}
      </QueryView>
    </Drawer>
  );
}

function Detail({ artefact }: { artefact: ArtefactDetail }) {
  const { digest, sizeBytes, precision, executionProviders, report, document, materials, signed, createdAtMs } = artefact;
  const { needs, provenance } = document;
  return (
    <Stack gap="lg">
      <Part title="How good it is">
        <Quality report={report} />
      </Part>
      <Part title="What it needs">
        <Facts
          facts={[
            ['Size', inWords(bytesOf(sizeBytes))],
            ['Precision', precision],
            ['Providers', executionProviders.join(', ')],
            ['Opset', needs?.opset],
            ['Operators', needs?.operators.join(', ')],
          ]}
        />
      </Part>
      {provenance !== undefined && (
        <Part title="How it was made">
          <Facts
            facts={[
              ...recipeFacts(provenance.recipe),
              ['Left in float', provenance.keptInFloat.length === 0 ? undefined : provenance.keptInFloat.join(', ')],
              ...Object.entries(provenance.tools).map(([tool, version]) => [tool, version] as const),
              ['Took', duration(report.buildMs)],
              ['Built', <ExactMoment key="built" atMs={createdAtMs} />],
            ]}
          />
        </Part>
      )}
      <Part title="What it was made of">
        <Materials materials={materials} />
      </Part>
      <Part title="Signed by the fleet">
        <Facts
          facts={[
            ['Digest', <Digest key="digest" value={digest} what="artefact" />],
            ['Document', <Digest key="signed" value={signed} length={20} what="signed document" />],
          ]}
        />
      </Part>
    </Stack>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <Title order={3} size="h5" mb={6}>
        {title}
      </Title>
      {children}
    </section>
  );
}

function Quality({ report }: { report: ArtefactDetail['report'] }) {
  const { accuracy, similarityDb, maximumError, notes = [] } = report;
  const judged = (value: { value: number; low: number; high: number }): string =>
    `${compact(value.value)} (${compact(value.low)} to ${compact(value.high)})`;
  return (
    <Stack gap="xs">
      <Facts
        facts={[
          ...(accuracy === undefined
            ? [['Accuracy', 'not judged: the model came without an evaluation set'] as const]
            : [
                ['Judged by', `${metricWords[accuracy.metric]} on ${counted(accuracy.samples)} samples, ${accuracy.unit}`] as const,
                ['The source', judged(accuracy.source)] as const,
                ['This artefact', judged(accuracy.artefact)] as const,
                ['Change', `${changeOf(accuracy.lossPoints.value)} (${changeRange(accuracy.lossPoints)}, 95 %)`] as const,
              ]),
          ['Similarity', similarityDb === undefined ? undefined : `${decibels(similarityDb)} on the samples`],
          ['Largest error', `${inWords(percentOf(maximumError))} on golden inputs`],
        ]}
      />
      {notes.length > 0 && (
        <List size="sm" spacing={2}>
          {notes.map((note) => (
            <List.Item key={note}>{note}</List.Item>
          ))}
        </List>
      )}
    </Stack>
  );
}

function Materials({ materials }: Pick<ArtefactDetail, 'materials'>) {
  if (materials.length === 0) return <Text size="sm">Nothing is known of it.</Text>;
  return (
    <WideTable label="Bill of materials" fz="sm" horizontalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Part</Table.Th>
          <Table.Th>Name</Table.Th>
          <Table.Th>Size</Table.Th>
          <Table.Th>Digest</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {materials.map(({ role, name, digest, sizeBytes }) => (
          <Table.Tr key={`${role} ${digest}`}>
            <Table.Td>{role}</Table.Td>
            <Table.Td>{name}</Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>{inWords(bytesOf(sizeBytes))}</Table.Td>
            <Table.Td>
              <Digest value={digest} length={8} what={role} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
