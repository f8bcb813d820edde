import { Accordion, Group, Stack, Text } from '@mantine/core';
import type { ArtefactChoice, DeviceView, PlacementView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../../data/queries.ts';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag } from '../../parts/tag.tsx';
import { ChoiceDetail } from './choice-detail.tsx';
import { MeasureButton } from './measure-button.tsx';
import { speedWords } from './speed-words.ts';

/** What the device should run, and which artefact of each model was chosen for it, and why. */
export function AssignmentPanel({ device }: { device: DeviceView }) {
  const { desired, reported } = device;
  const summary = useQuery(read('summariseTelemetry', { params: { id: device.id } }));
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
            ['Speed now', running == null || summary.data === undefined ? undefined : speedWords(summary.data)],
          ]}
        />
        {desired.places !== null && (
          <Text size="sm">It works for other devices: it runs the nodes of {desired.places.join(' and ')}, and takes no items itself.</Text>
        )}
        {desired.helps.map(({ release, releaseName, places }) => (
          <Text size="sm" key={release}>
            Beside it, it runs the nodes of {places.join(' and ')} of{' '}
            <TextLink to="/releases/$digest" params={{ digest: release }} size="sm" underline="always">
              {releaseName ?? release.slice(0, 12)}
            </TextLink>
            , for devices that are on that one: {helpState(device, release)}.
          </Text>
        ))}
        {desired.placement.map((placement) => (
          <Place key={placement.place} placement={placement} release={desired.releaseName ?? 'RELEASE'} />
        ))}
        {Object.entries(desired.choices).map(([model, choice]) => (
          <Choice
            key={model}
            device={device}
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

function helpState({ reported }: DeviceView, release: string): string {
  const { state, problem } = reported?.helps?.find((help) => help.release === release) ?? { state: 'waiting', problem: undefined };
  return problem === undefined ? state : `${state}, ${problem.message}`;
}

/** Who runs the nodes of another place for the device; where nobody does, what would change that. */
function Place({ placement: { place, parts, worker }, release }: { placement: PlacementView; release: string }) {
  const nodes = parts.flatMap((part) => part.nodes).join(', ');
  const [key, value] = place === 'cloud' ? ['place', 'cloud'] : ['group', place.slice('group:'.length)];
  return (
    <div>
      <Group gap="xs" mb={4}>
        <Text fw={600} size="sm">
          {place}
        </Text>
        {worker === null ? (
          <Tag tone="bad">nobody runs it</Tag>
        ) : (
          <Tag tone={worker.online ? 'good' : 'warn'}>{worker.online ? 'runs' : 'is offline'}</Tag>
        )}
      </Group>
      <Text size="sm">
        {nodes}
        {worker !== null && (
          <>
            {': by '}
            <TextLink to="/devices/$id" params={{ id: worker.id }} size="sm" underline="always">
              {worker.name}
            </TextLink>
          </>
        )}
      </Text>
      {worker === null && (
        <Text size="sm" c="dimmed">
          Give a device the label <code>{`${key}=${value}`}</code> and the release {release}: it then runs these nodes for all that have it.
        </Text>
      )}
    </div>
  );
}

interface ChoiceProps {
  device: DeviceView;
  model: string;
  choice: ArtefactChoice;
  /** The execution provider that really runs it. */
  provider: string | undefined;
  isRunning: boolean;
}

function Choice({ device, model, choice, provider, isRunning }: ChoiceProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div>
      <Group gap="xs" mb={4}>
        <Text fw={600} size="sm">
          {model}
        </Text>
        <Tag tone={isRunning && device.online ? 'good' : 'idle'}>
          {choice.precision}, {inWords(bytesOf(choice.sizeBytes))}
          {isRunning && provider !== undefined && `, ${device.online ? 'runs' : 'ran'} on ${provider}`}
        </Tag>
        {!choice.meetsObjective && <Tag tone="warn">misses the objective</Tag>}
      </Group>
      <Text size="sm" mb={6}>
        <Text span c="dimmed" size="sm">
          When it was assigned:{' '}
        </Text>
        {choice.reason}
      </Text>
      <MeasureButton device={device} model={model} artefacts={choice.candidates.map(({ artefact }) => artefact)} />
      <Accordion
        value={isOpen ? 'candidates' : null}
        onChange={(value) => setOpen(value !== null)}
        variant="default"
        chevronPosition="left"
        styles={{ control: { paddingInline: 0 }, item: { border: 0 }, content: { padding: 0 } }}
      >
        <Accordion.Item value="candidates">
          <Accordion.Control>
            <Text size="sm" c="dimmed">
              {choice.candidates.length} artefacts compared, by what is known now
            </Text>
          </Accordion.Control>
          <Accordion.Panel>{isOpen && <ChoiceDetail device={device.id} model={model} />}</Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </div>
  );
}
