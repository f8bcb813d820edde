import { Group, NativeSelect, Stack, Table, Text } from '@mantine/core';
import type { ArtefactView, ModelView } from '@starling/shared';
import { useState } from 'react';
import { TradeOffChart } from '../../charts/trade-off-chart.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { kindWords } from '../../parts/recipe-words.ts';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import type { FiguresByProfile } from './figures-by-profile.ts';
import { type Cost, costs, type Loss, losses, lossOf, type ParetoPoint, paretoPoints } from './pareto.ts';
import { useFigures } from './use-figures.ts';

/** Which artefacts are worth having: each costs less or loses less than every other. */
export function ParetoPanel({ model }: { model: ModelView }) {
  const { figures, query } = useFigures(model);
  return (
    <Panel title="What it costs, what it loses" note="The best trade-offs are those that no other artefact beats in both.">
      <QueryView query={query} heightPx={420}>
        {() => <TradeOffs artefacts={model.artefacts} figures={figures} />}
      </QueryView>
    </Panel>
  );
}

function TradeOffs({ artefacts, figures }: { artefacts: readonly ArtefactView[]; figures: FiguresByProfile }) {
  const offered = lossesOf(artefacts);
  const [cost, setCost] = useState<Cost>('size');
  const [chosenLoss, setLoss] = useState<Loss>();
  const [chosenProfile, setProfile] = useState<string>();
  const loss = chosenLoss !== undefined && offered.includes(chosenLoss) ? chosenLoss : (offered[0] ?? 'error');
  const profiles = [...figures.keys()];
  const profile = chosenProfile !== undefined && figures.has(chosenProfile) ? chosenProfile : profiles[0];
  const needsProfile = costs[cost].needsProfile;
  const points = paretoPoints(artefacts, profile === undefined ? undefined : figures.get(profile), cost, loss);
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-end">
        <NativeSelect
          label="Costs"
          data={Object.entries(costs).map(([value, { label }]) => ({ value, label }))}
          value={cost}
          onChange={({ currentTarget }) => setCost(currentTarget.value as Cost)}
        />
        {needsProfile && profiles.length > 0 && (
          <NativeSelect
            label="On devices of"
            data={profiles}
            value={profile ?? ''}
            onChange={({ currentTarget }) => setProfile(currentTarget.value)}
          />
        )}
        <NativeSelect
          label="Loses"
          data={offered.map((value) => ({ value, label: losses[value].label }))}
          value={loss}
          onChange={({ currentTarget }) => setLoss(currentTarget.value as Loss)}
        />
      </Group>
      {points.length === 0 ? (
        <EmptyState title="Nothing known yet">
          {needsProfile
            ? 'No device has measured these artefacts, and none has been given one: measure them on the page of a device.'
            : undefined}
        </EmptyState>
      ) : (
        <Drawing artefacts={artefacts} points={points} cost={cost} loss={loss} />
      )}
    </Stack>
  );
}

/** What can be told of at least one artefact, the most telling first. */
function lossesOf(artefacts: readonly ArtefactView[]): Loss[] {
  const isThere: Record<Loss, boolean> = {
    accuracy: artefacts.some(({ report }) => report.accuracy !== undefined),
    similarity: artefacts.some(({ report }) => report.similarityDb !== undefined),
    error: artefacts.some((artefact) => lossOf(artefact, 'error') !== null),
  };
  return (Object.keys(losses) as Loss[]).filter((loss) => isThere[loss]);
}

interface DrawingProps {
  artefacts: readonly ArtefactView[];
  points: readonly ParetoPoint[];
  cost: Cost;
  loss: Loss;
}

function Drawing({ artefacts, points, cost, loss }: DrawingProps) {
  const nameOf = (digest: string): string => {
    const artefact = artefacts.find((each) => each.digest === digest);
    return artefact === undefined ? digest.slice(0, 8) : kindWords(artefact);
  };
  const rows = points.map((point, index) => ({ ...point, number: index + 1, title: nameOf(point.artefact) }));
  const hidden = artefacts.length - points.length;
  const originOf = ({ isEstimate }: ParetoPoint): string => (isEstimate ? 'estimated' : 'measured');
  return (
    <>
      <TradeOffChart
        points={rows}
        labels={{ x: costs[cost].label, y: losses[loss].label }}
        format={{ x: costs[cost].format, y: losses[loss].format }}
      />
      <WideTable label="Trade-offs" fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>No.</Table.Th>
            <Table.Th>Artefact</Table.Th>
            <Table.Th>{costs[cost].label}</Table.Th>
            <Table.Th>{losses[loss].label}</Table.Th>
            <Table.Th>Figures</Table.Th>
            <Table.Th>Worth having</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.artefact}>
              <Table.Td>{row.number}</Table.Td>
              <Table.Td fw={600} miw={140}>
                {row.title}
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>{costs[cost].format(row.x)}</Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>{losses[loss].format(row.y)}</Table.Td>
              <Table.Td>{originOf(row)}</Table.Td>
              <Table.Td>{row.onFront ? <Tag tone="good">best trade-off</Tag> : <Tag tone="idle">beaten by another</Tag>}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
      {hidden > 0 && (
        <Text size="sm" c="dimmed">
          {hidden === 1
            ? 'One artefact is left out: one of its two figures is not known.'
            : `${hidden} artefacts are left out: one of their two figures is not known.`}
        </Text>
      )}
    </>
  );
}
