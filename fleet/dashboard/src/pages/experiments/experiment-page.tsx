import { Alert, SimpleGrid, Text } from '@mantine/core';
import type { ExperimentDetail } from '@starling/shared';
import { IconScale } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { Facts } from '../../parts/facts.tsx';
import { TextLink } from '../../parts/link.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { TimelinePanel } from '../../parts/timeline-panel.tsx';
import { ArmsPanel } from './arms-panel.tsx';
import { ExperimentActions } from './experiment-actions.tsx';
import { experimentTones, measureWords, modeWords, percentWords } from './experiment-words.ts';
import { LooksPanel } from './looks-panel.tsx';
import { MembersPanel } from './members-panel.tsx';

const route = getRouteApi('/shell/experiments/$id');

export function ExperimentPage() {
  const { id } = route.useParams();
  const experiment = useQuery({ ...read('showExperiment', { params: { id } }), refetchInterval: 15_000 });
  return (
    <QueryView query={experiment} heightPx={520} page="Experiment">
      {(view) => <Experiment experiment={view} />}
    </QueryView>
  );
}

function Experiment({ experiment }: { experiment: ExperimentDetail }) {
  const { name, state, mode, measure, verdict, winner, arms, spec, devices, off, sampleRatio } = experiment;
  const won = arms.find(({ release }) => release === winner);
  return (
    <>
      <PageHeader
        title={name}
        badge={
          <Tag tone={experimentTones[state]} isActive={state === 'running'}>
            {state}
          </Tag>
        }
        note={spec.description ?? `${modeWords[mode]} On ${counted(devices)} ${devices === 1 ? 'device' : 'devices'}.`}
        actions={<ExperimentActions experiment={experiment} />}
      />
      <Alert
        role="status"
        variant="outline"
        color={state === 'paused' ? 'orange' : 'gray'}
        icon={<IconScale aria-hidden />}
        title={won === undefined ? 'What is known' : `${won.name} has won`}
        styles={{ root: { background: 'var(--surface)' } }}
      >
        <Text size="sm">{verdict}</Text>
      </Alert>
      <ArmsPanel experiment={experiment} />
      <LooksPanel experiment={experiment} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel title="What it does">
          <Facts facts={factsOf(experiment)} />
        </Panel>
        <Panel title="Can it be trusted?">
          <Facts
            facts={[
              ['Judged by', measureWords[measure]],
              ['Confidence', `${percentWords(spec.confidence)}, at every look together`],
              ['Shares that were seen', sampleRatio === null ? 'not tested' : sampleRatio.seen.map(percentWords).join(' / ')],
              ['Shares that were wanted', sampleRatio === null ? undefined : sampleRatio.expected.map(percentWords).join(' / ')],
              ...off.map(({ release, code, devices: many }): [string, string] => [
                `${arms.find((arm) => arm.release === release)?.name ?? 'A challenger'} is off`,
                `on ${counted(many)} ${many === 1 ? 'device' : 'devices'}: ${code}`,
              ]),
            ]}
          />
        </Panel>
      </SimpleGrid>
      <MembersPanel id={experiment.id} />
      <TimelinePanel of="listExperimentEvents" id={experiment.id} />
    </>
  );
}

function factsOf({
  spec,
  mode,
  measure,
  createdAtMs,
  createdBy,
  startedAtMs,
  endsAtMs,
  finishedAtMs,
  rollout,
}: ExperimentDetail): Parameters<typeof Facts>[0]['facts'] {
  return [
    ['Mode', `${mode}, by ${spec.key}`],
    ['Goal', measureWords[measure]],
    ['Devices', <code key="selector">{spec.selector}</code>],
    ['At most', spec.maximumDevices === undefined ? undefined : `${counted(spec.maximumDevices)} devices`],
    ['Made', <ExactMoment key="made" atMs={createdAtMs} />],
    ['By', createdBy],
    ['Started', startedAtMs === null ? 'not yet' : <ExactMoment key="started" atMs={startedAtMs} />],
    ['Ends at the latest', endsAtMs === null ? undefined : <ExactMoment key="ends" atMs={endsAtMs} />],
    ['Ended', finishedAtMs === null ? undefined : <ExactMoment key="ended" atMs={finishedAtMs} />],
    [
      'Promoted by',
      rollout === null ? undefined : (
        <TextLink key="rollout" to="/rollouts/$id" params={{ id: rollout }} size="sm">
          a rollout
        </TextLink>
      ),
    ],
  ];
}
