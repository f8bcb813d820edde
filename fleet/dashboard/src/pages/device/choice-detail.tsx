import { Stack, Table, Text } from '@mantine/core';
import type { ArtefactChoice, ChoiceCandidate, ChoiceFigure } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { bytesOf, compact, inWords, joulesOf, millisecondsOf } from '../../format/quantity.ts';
import { Digest } from '../../parts/digest.tsx';
import { Facts } from '../../parts/facts.tsx';
import { objectiveWords } from '../../parts/objective-words.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** What would be chosen for a device now: every candidate with its figures, and what was wrong with it. */
export function ChoiceDetail({ device, model }: { device: string; model: string }) {
  const explained = useQuery(read('explainChoice', { params: { id: device, model } }));
  return (
    <QueryView query={explained} heightPx={200}>
      {({ choice, current }) => <Explained choice={choice} current={current} model={model} />}
    </QueryView>
  );
}

function Explained({ choice, current, model }: { choice: ArtefactChoice; current: string | null; model: string }) {
  const nameOf = (digest: string): string => {
    const found = choice.candidates.find(({ artefact }) => artefact === digest);
    return found === undefined ? digest.slice(0, 8) : kindOf(found);
  };
  return (
    <Stack gap="sm">
      <Facts
        facts={[
          ['Objective', choice.objective === undefined ? undefined : objectiveWords(choice.objective)],
          ['Best now', current === choice.artefact ? `${nameOf(choice.artefact)}, which it runs` : nameOf(choice.artefact)],
          ['Because', current === choice.artefact ? undefined : choice.reason],
          ['Then', choice.fallbacks.length === 0 ? 'nothing else fits' : choice.fallbacks.map(nameOf).join(', then ')],
        ]}
      />
      <WideTable label={`Artefacts of ${model}`} horizontalSpacing="xs" fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Artefact</Table.Th>
            <Table.Th>Verdict</Table.Th>
            <Table.Th>Latency</Table.Th>
            <Table.Th>Energy</Table.Th>
            <Table.Th>Memory</Table.Th>
            <Table.Th>Accuracy lost</Table.Th>
            <Table.Th>Cost of 1,000</Table.Th>
            <Table.Th>Size</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {choice.candidates.map((candidate) => (
            <CandidateRow key={candidate.artefact} candidate={candidate} isCurrent={candidate.artefact === current} />
          ))}
        </Table.Tbody>
      </WideTable>
    </Stack>
  );
}

function CandidateRow({ candidate, isCurrent }: { candidate: ChoiceCandidate; isCurrent: boolean }) {
  const { artefact, sizeBytes, chosen, verdict, figures } = candidate;
  return (
    <Table.Tr>
      <Table.Td miw={140}>
        <Text size="sm" fw={chosen ? 600 : undefined}>
          {kindOf(candidate)}
        </Text>
        {chosen && <Tag tone="good">best now</Tag>} {isCurrent && <Tag tone="busy">runs</Tag>}
        <div>
          <Digest value={artefact} length={8} what="artefact" />
        </div>
      </Table.Td>
      <Table.Td miw={160} data-long>
        {verdict}
      </Table.Td>
      <Table.Td>
        <Figure figure={figures?.latencyMs} format={(value) => inWords(millisecondsOf(value))} />
        {figures?.latencyMsP95 != null && (
          <Text size="xs" c="dimmed">
            p95 {inWords(millisecondsOf(figures.latencyMsP95.value))}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Figure figure={figures?.joulesPerInference} format={(value) => inWords(joulesOf(value))} />
      </Table.Td>
      <Table.Td>
        <Figure figure={figures?.memoryBytes} format={(value) => inWords(bytesOf(value))} />
      </Table.Td>
      <Table.Td>{figures?.accuracyLossPoints == null ? 'not judged' : `${figures.accuracyLossPoints.toFixed(2)} points`}</Table.Td>
      <Table.Td>
        <Figure figure={figures?.costPer1000Usd} format={(value) => `$${compact(value)}`} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>{inWords(bytesOf(sizeBytes))}</Table.Td>
    </Table.Tr>
  );
}

const originWords: Record<ChoiceFigure['origin'], string> = {
  'this-device': 'measured here',
  profile: 'measured on its like',
  estimate: 'not measured, estimated',
};

function Figure({ figure, format }: { figure: ChoiceFigure | null | undefined; format: (value: number) => string }) {
  if (figure === null || figure === undefined) return <>–</>;
  return (
    <>
      <div style={{ whiteSpace: 'nowrap' }}>{format(figure.value)}</div>
      <Text size="xs" c="dimmed">
        {originWords[figure.origin]}
      </Text>
    </>
  );
}

function kindOf({ precision, optimisation }: ChoiceCandidate): string {
  return optimisation === '' || optimisation === 'none' ? `${precision}, as pushed` : optimisation;
}
