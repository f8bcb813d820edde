import { NativeSelect, Stack, Table, Text } from '@mantine/core';
import type { ArtefactView, LayerReport, ModelView, SearchStep } from '@starling/shared';
import { useState } from 'react';
import { LayerChart } from '../../charts/layer-chart.tsx';
import { changeOf, changeRange, decibels } from '../../format/change.ts';
import { counted } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Panel } from '../../parts/panel.tsx';
import { kindWords } from '../../parts/recipe-words.ts';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import classes from './layers-tab.module.css';

/** Layers that a chart can tell apart. */
const DRAWN_MAXIMUM = 60;

/** Which layers quantisation harms, which of them stay in float, and how that was found. */
export function LayersTab({ model }: { model: ModelView }) {
  const told = model.artefacts.filter(({ report }) => (report.layers ?? []).length > 0 || (report.search ?? []).length > 0);
  const [chosen, setChosen] = useState<string>();
  const artefact = told.find(({ digest }) => digest === chosen) ?? told[0];
  if (artefact === undefined) {
    return (
      <Panel title="Layers">
        <EmptyState title="No artefact with a report of its layers">
          Static int8 builds measure what each layer loses. They need a calibration set: push the next version with one.
        </EmptyState>
      </Panel>
    );
  }
  return (
    <Stack gap="md">
      <NativeSelect
        label="Artefact"
        data={told.map((each) => ({ value: each.digest, label: kindWords(each) }))}
        value={artefact.digest}
        onChange={({ currentTarget }) => setChosen(currentTarget.value)}
        w={{ base: '100%', sm: 360 }}
      />
      <Layers artefact={artefact} />
    </Stack>
  );
}

function Layers({ artefact: { report } }: { artefact: ArtefactView }) {
  const { layers = [], search = [] } = report;
  return (
    <>
      {layers.length > 0 && (
        <Panel
          title="Sensitivity"
          note="Signal over noise of a layer's output while it alone is quantised: the lower, the more harm it does."
        >
          <Sensitivity layers={layers} />
        </Panel>
      )}
      {search.length > 0 && (
        <Panel title="Search" note="The most harmful layers are left in float until the loss lies within the budget." flush>
          <SearchTable steps={search} />
        </Panel>
      )}
    </>
  );
}

function Sensitivity({ layers }: { layers: readonly LayerReport[] }) {
  const measured = layers.filter(({ signalToNoiseDb }) => signalToNoiseDb !== null);
  const byHarm = layers.toSorted((left, right) => (left.signalToNoiseDb ?? Infinity) - (right.signalToNoiseDb ?? Infinity));
  const drawn = new Set(byHarm.slice(0, DRAWN_MAXIMUM));
  const inFloat = layers.filter((layer) => layer.inFloat).length;
  return (
    <Stack gap="sm">
      {measured.length > 0 && <LayerChart layers={layers.filter((layer) => drawn.has(layer))} />}
      <Text size="sm" c="dimmed">
        {counted(layers.length)} layers, {inFloat === 0 ? 'none' : counted(inFloat)} left in float
        {measured.length === 0 && '; all together met the budget, so none was measured alone'}
        {measured.length > 0 &&
          layers.length > drawn.size &&
          `; the ${counted(drawn.size)} most harmful are drawn, in the order of the graph`}
        .
      </Text>
      <div className={classes.tall}>
        <WideTable label="Layers, most harmful first" fz="sm" stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Layer</Table.Th>
              <Table.Th>Operator</Table.Th>
              <Table.Th>Signal over noise</Table.Th>
              <Table.Th>Kept as</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {byHarm.map(({ node, operator, signalToNoiseDb, inFloat: isFloat }) => (
              <Table.Tr key={node}>
                <Table.Td className={classes.node}>{node}</Table.Td>
                <Table.Td>{operator}</Table.Td>
                <Table.Td style={{ whiteSpace: 'nowrap' }}>
                  {signalToNoiseDb === null ? 'not measured' : decibels(signalToNoiseDb)}
                </Table.Td>
                <Table.Td>{isFloat ? <Tag tone="warn">float</Tag> : 'int8'}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </WideTable>
      </div>
    </Stack>
  );
}

function SearchTable({ steps }: { steps: readonly SearchStep[] }) {
  return (
    <WideTable label="Steps of the search" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Step</Table.Th>
          <Table.Th>Left in float</Table.Th>
          <Table.Th>Accuracy, change</Table.Th>
          <Table.Th>Budget</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {steps.map(({ keptInFloat, lossPoints, withinBudget }, index) => (
          <Table.Tr key={keptInFloat.join()}>
            <Table.Td>{index + 1}</Table.Td>
            <Table.Td maw={420} data-long title={keptInFloat.join('\n')}>
              {keptInFloat.length === 0
                ? 'nothing'
                : `${counted(keptInFloat.length)}: ${keptInFloat.slice(0, 3).join(', ')}${keptInFloat.length > 3 ? ' …' : ''}`}
            </Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>
              {changeOf(lossPoints.value)} ({changeRange(lossPoints)})
            </Table.Td>
            <Table.Td>{withinBudget ? <Tag tone="good">within</Tag> : <Tag tone="bad">missed</Tag>}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
