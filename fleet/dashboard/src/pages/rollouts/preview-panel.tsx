import { Alert, Stack, Table, Text, Title } from '@mantine/core';
import type { RolloutPreview } from '@starling/shared';
import { IconAlertTriangle } from '@tabler/icons-react';
import { bytesOf, counted, inWords, joulesOf } from '../../format/quantity.ts';
import { duration } from '../../format/time.ts';
import { FigureRow, FigureTile } from '../../parts/figure-tile.tsx';
import { Panel } from '../../parts/panel.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** What a rollout would do, before it does anything. */
export function PreviewPanel({ preview }: { preview: RolloutPreview }) {
  const { devices, unchanged, online, bytes, estimate, energy, waves, obstacles, artefacts, sampled } = preview;
  const { joulesPerInferenceNow: now, joulesPerInferenceThen: then } = energy;
  return (
    <Panel title="What it would do" note={sampled < devices ? `Figures are scaled up from ${counted(sampled)} devices.` : undefined}>
      <Stack>
        {obstacles.map(({ code, text, devices: hindered, examples }) => (
          <Alert
            key={code}
            color="orange"
            variant="outline"
            icon={<IconAlertTriangle aria-hidden />}
            title={text}
            styles={{ root: { background: 'var(--surface)' } }}
          >
            <Text size="sm">
              {counted(hindered)} {hindered === 1 ? 'device' : 'devices'}
              {examples.length > 0 && `: ${examples.join(', ')}`}
            </Text>
          </Alert>
        ))}
        <FigureRow>
          <FigureTile label="Devices" value={{ figure: counted(devices), unit: '' }} note={`${counted(online)} are connected`} />
          <FigureTile
            label="To change"
            value={{ figure: counted(devices - unchanged), unit: '' }}
            note={`${counted(unchanged)} run it already`}
          />
          <FigureTile
            label="To fetch"
            value={bytesOf(bytes.total)}
            note={`${inWords(bytesOf(bytes.perDevice.low))} to ${inWords(bytesOf(bytes.perDevice.high))} each`}
          />
          <FigureTile
            label="Time"
            value={{ figure: duration(estimate.lowMs), unit: '' }}
            note={estimate.highMs === null ? 'and as long as people take' : `to ${duration(estimate.highMs)}`}
          />
          <FigureTile
            label="Energy of an inference"
            value={joulesOf(then)}
            note={now === null ? energy.basis : `${inWords(joulesOf(now))} now`}
          />
        </FigureRow>
        <Text size="sm" c="dimmed">
          {estimate.basis}
        </Text>
        <WaveTable waves={waves} />
        <ArtefactTable artefacts={artefacts} />
      </Stack>
    </Panel>
  );
}

function WaveTable({ waves }: Pick<RolloutPreview, 'waves'>) {
  return (
    <section aria-label="Steps">
      <Title order={3} size="h6" mb={4}>
        Steps
      </Title>
      <WideTable label="Steps" fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Step</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th ta="right">Devices, in all</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {waves.map(({ step, name, kind, devices }) => (
            <Table.Tr key={step}>
              <Table.Td>{name}</Table.Td>
              <Table.Td>{kind}</Table.Td>
              <Table.Td ta="right">{counted(devices)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </section>
  );
}

function ArtefactTable({ artefacts }: Pick<RolloutPreview, 'artefacts'>) {
  if (artefacts.length === 0) return null;
  return (
    <section aria-label="Artefacts">
      <Title order={3} size="h6" mb={4}>
        What is chosen for them
      </Title>
      <WideTable label="Artefacts" fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Model</Table.Th>
            <Table.Th>Artefact</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
            <Table.Th ta="right">Devices</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {artefacts.map(({ model, artefact, kind, sizeBytes, devices }) => (
            <Table.Tr key={artefact}>
              <Table.Td>{model}</Table.Td>
              <Table.Td>{kind}</Table.Td>
              <Table.Td ta="right">{inWords(bytesOf(sizeBytes))}</Table.Td>
              <Table.Td ta="right">{counted(devices)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </section>
  );
}
