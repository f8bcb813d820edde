import { Button, Stack, Table, Text } from '@mantine/core';
import type { AccuracyReport, ArtefactView, ModelView } from '@starling/shared';
import { lazy, Suspense } from 'react';
import { changeOf, changeRange, decibels } from '../../format/change.ts';
import { counted, inWords, percentOf } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { TextLink } from '../../parts/link.tsx';
import { metricWords } from '../../parts/metric-words.ts';
import { Panel } from '../../parts/panel.tsx';
import { kindWords } from '../../parts/recipe-words.ts';
import { WideTable } from '../../parts/wide-table.tsx';
import { SizeBar } from './size-bar.tsx';

const ParetoPanel = lazy(async () => ({ default: (await import('./pareto-panel.tsx')).ParetoPanel }));

interface ArtefactsTabProps {
  model: ModelView;
  onOpen: (artefact: string) => void;
}

/** What was built, how good it is, and which of it is worth having. */
export function ArtefactsTab({ model, onOpen }: ArtefactsTabProps) {
  const { artefacts, document } = model;
  return (
    <Stack gap="md">
      <Panel title="Artefacts" note="One build each: a device gets the one that fits it best." flush>
        {artefacts.length === 0 ? (
          <EmptyState title="Nothing built yet">
            The builds wait, run, or failed: see{' '}
            <TextLink to="/builds" search={{ model: model.digest }} size="sm">
              its builds
            </TextLink>
            .
          </EmptyState>
        ) : (
          <ArtefactTable artefacts={artefacts} sourceBytes={document.source.sizeBytes} onOpen={onOpen} />
        )}
      </Panel>
      {artefacts.length > 0 && (
        <Suspense fallback={null}>
          <ParetoPanel model={model} />
        </Suspense>
      )}
    </Stack>
  );
}

interface ArtefactTableProps {
  artefacts: readonly ArtefactView[];
  sourceBytes: number;
  onOpen: (artefact: string) => void;
}

function ArtefactTable({ artefacts, sourceBytes, onOpen }: ArtefactTableProps) {
  return (
    <WideTable label="Artefacts" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Artefact</Table.Th>
          <Table.Th miw={170}>Size, of the source</Table.Th>
          <Table.Th>Accuracy, change</Table.Th>
          <Table.Th>Similarity</Table.Th>
          <Table.Th>Largest error</Table.Th>
          <Table.Th>Needs</Table.Th>
          <Table.Th>Notes</Table.Th>
          <Table.Th>
            <span className="visually-hidden">What to do</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {artefacts.map((artefact) => (
          <ArtefactRow key={artefact.digest} artefact={artefact} sourceBytes={sourceBytes} onOpen={onOpen} />
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function ArtefactRow({ artefact, sourceBytes, onOpen }: { artefact: ArtefactView } & Omit<ArtefactTableProps, 'artefacts'>) {
  const { digest, precision, sizeBytes, report, executionProviders, document } = artefact;
  const { accuracy, similarityDb, maximumError, notes = [], quantisedTensors } = report;
  return (
    <Table.Tr>
      <Table.Td miw={150}>
        <Text fw={600} size="sm">
          {kindWords(artefact)}
        </Text>
        <Text size="xs" c="dimmed">
          {precision}
          {quantisedTensors > 0 && `, ${counted(quantisedTensors)} tensors quantised`}
        </Text>
      </Table.Td>
      <Table.Td>
        <SizeBar sizeBytes={sizeBytes} sourceBytes={sourceBytes} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <AccuracyChange accuracy={accuracy} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }} title="Signal to noise of the outputs on the samples">
        {decibels(similarityDb)}
      </Table.Td>
      <Table.Td title="Largest difference to fp32 on golden inputs, as a share of the largest magnitude">
        {inWords(percentOf(maximumError))}
      </Table.Td>
      <Table.Td miw={170} title={`Runs on ${executionProviders.join(', ')}`}>
        {document.needs !== undefined && (
          <div>
            opset {document.needs.opset}, {counted(document.needs.operators.length)} operators
          </div>
        )}
        <Text size="xs" c="dimmed">
          {providerWords(executionProviders)}
        </Text>
      </Table.Td>
      <Table.Td miw={150} maw={260} {...(notes.length > 0 && { 'data-long': true })}>
        {notes.length === 0 ? (
          '–'
        ) : (
          <Text size="sm" lineClamp={2} title={notes.join('\n')}>
            {notes.join('; ')}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Button
          size="compact-xs"
          variant="default"
          aria-haspopup="dialog"
          aria-label={`Details of ${kindWords(artefact)}`}
          onClick={() => onOpen(digest)}
        >
          Details
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}

const NAMED_PROVIDERS = 3;

/** The provider that every device has, others, and how many more: all of them stand in the details. */
function providerWords(providers: readonly string[]): string {
  const sorted = providers.toSorted((left, right) => Number(right === 'cpu') - Number(left === 'cpu'));
  const more = sorted.length - NAMED_PROVIDERS;
  return `${sorted.slice(0, NAMED_PROVIDERS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function AccuracyChange({ accuracy }: { accuracy: AccuracyReport | undefined }) {
  if (accuracy === undefined) return <>not judged</>;
  const { lossPoints, metric, samples } = accuracy;
  return (
    <>
      <div>{changeOf(lossPoints.value)}</div>
      <Text size="xs" c="dimmed">
        {changeRange(lossPoints)}, 95 %
      </Text>
      <Text size="xs" c="dimmed">
        {metricWords[metric]}, {counted(samples)} samples
      </Text>
    </>
  );
}
