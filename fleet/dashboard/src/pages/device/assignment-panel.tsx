import { Accordion, Group, Stack, Table, Text } from '@mantine/core';
import type { ArtefactChoice, DeviceView } from '@starling/shared';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** What the device should run, and which artefact of each model was chosen for it, and why. */
export function AssignmentPanel({ device: { desired, reported } }: { device: DeviceView }) {
  if (desired === null || desired.release === null) {
    return (
      <Panel title="Assignment">
        <EmptyState title="Nothing assigned">Assign a release: the artefacts that fit this device are chosen by themselves.</EmptyState>
      </Panel>
    );
  }
  const running = reported?.running;
  return (
    <Panel title="Assignment" note="What it should run, with the artefact chosen for it and why.">
      <Stack gap="md">
        <Facts
          facts={[
            [
              'Release',
              <TextLink key="release" to="/releases/$digest" params={{ digest: desired.release }} fw={600} size="sm">
                {desired.releaseName ?? desired.release.slice(0, 12)}
              </TextLink>,
            ],
            ['Digest', <Digest key="digest" value={desired.release} />],
            ['Generation', `${desired.generation} of epoch ${desired.epoch}`],
            [
              'Assigned',
              <span key="assigned">
                <Moment atMs={desired.assignedAtMs} /> by {desired.assignedBy}
              </span>,
            ],
          ]}
        />
        {Object.entries(desired.choices).map(([model, choice]) => (
          <Choice
            key={model}
            model={model}
            choice={choice}
            provider={running?.providers[model]}
            isRunning={running?.artefacts[model] === choice.artefact}
          />
        ))}
      </Stack>
    </Panel>
  );
}

interface ChoiceProps {
  model: string;
  choice: ArtefactChoice;
  /** The execution provider that really runs it. */
  provider: string | undefined;
  isRunning: boolean;
}

function Choice({ model, choice, provider, isRunning }: ChoiceProps) {
  return (
    <div>
      <Group gap="xs" mb={4}>
        <Text fw={600} size="sm">
          {model}
        </Text>
        <Tag tone={isRunning ? 'good' : 'idle'}>
          {choice.precision}, {inWords(bytesOf(choice.sizeBytes))}
          {isRunning && provider !== undefined && `, runs on ${provider}`}
        </Tag>
      </Group>
      <Text size="sm">{choice.reason}</Text>
      <Accordion
        variant="default"
        chevronPosition="left"
        styles={{ control: { paddingInline: 0 }, item: { border: 0 }, content: { padding: 0 } }}
      >
        <Accordion.Item value="candidates">
          <Accordion.Control>
            <Text size="sm" c="dimmed">
              {choice.candidates.length} artefacts were compared
            </Text>
          </Accordion.Control>
          <Accordion.Panel>
            <WideTable label={`Artefacts of ${model}`} horizontalSpacing="xs" fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Artefact</Table.Th>
                  <Table.Th>Precision</Table.Th>
                  <Table.Th>Size</Table.Th>
                  <Table.Th>Verdict</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {choice.candidates.map((candidate) => (
                  <Table.Tr key={candidate.artefact}>
                    <Table.Td>
                      <Digest value={candidate.artefact} length={8} what="artefact" />
                    </Table.Td>
                    <Table.Td>{candidate.precision}</Table.Td>
                    <Table.Td style={{ whiteSpace: 'nowrap' }}>{inWords(bytesOf(candidate.sizeBytes))}</Table.Td>
                    <Table.Td fw={candidate.chosen ? 600 : undefined}>{candidate.verdict}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </WideTable>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </div>
  );
}
