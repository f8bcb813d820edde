import { Alert, SimpleGrid, Text } from '@mantine/core';
import type { RolloutDetail } from '@starling/shared';
import { IconAlertTriangle, IconClockPause } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { Facts } from '../../parts/facts.tsx';
import { TextLink } from '../../parts/link.tsx';
import { ExactMoment, Moment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { TimelinePanel } from '../../parts/timeline-panel.tsx';
import { FailuresPanel } from './failures-panel.tsx';
import { GatesPanel } from './gates-panel.tsx';
import { RolloutActions } from './rollout-actions.tsx';
import { limitWords, windowWords } from './spec-words.ts';
import { isOpen, rolloutTones } from './state-words.ts';
import { TargetsPanel } from './targets-panel.tsx';
import { WaveBar } from './wave-bar.tsx';
import { WavesPanel } from './waves-panel.tsx';

const route = getRouteApi('/shell/rollouts/$id');

export function RolloutPage() {
  const { id } = route.useParams();
  const rollout = useQuery(read('showRollout', { params: { id } }));
  return (
    <QueryView query={rollout} heightPx={520} page="Rollout">
      {(view) => <Rollout rollout={view} />}
    </QueryView>
  );
}

function isJudged({ spec }: RolloutDetail): boolean {
  return spec.analysis !== undefined || spec.steps.some((step) => 'analyse' in step);
}

function Rollout({ rollout }: { rollout: RolloutDetail }) {
  const { name, state, waiting, why, counts, total, spec, release, releaseName, createdAtMs, createdBy, startedAtMs, finishedAtMs } =
    rollout;
  return (
    <>
      <PageHeader
        title={name}
        badge={
          <Tag tone={rolloutTones[state]} isActive={isOpen(state) && state !== 'paused'}>
            {state}
          </Tag>
        }
        note={spec.description ?? `To ${releaseName}, on ${counted(total)} ${total === 1 ? 'device' : 'devices'}`}
        actions={<RolloutActions rollout={rollout} />}
      />
      {why !== null && state !== 'paused' && (
        <Alert
          role="status"
          variant="outline"
          color="gray"
          icon={<IconAlertTriangle aria-hidden />}
          title={isOpen(state) ? 'Why it is being ended' : 'Why it ended'}
          styles={{ root: { background: 'var(--surface)' } }}
        >
          <Text size="sm">{why}</Text>
        </Alert>
      )}
      {waiting !== null && (
        <Alert
          role="status"
          variant="outline"
          color={state === 'paused' ? 'orange' : 'gray'}
          icon={<IconClockPause aria-hidden />}
          title={state === 'paused' ? 'It waits for a person' : 'What it waits for'}
          styles={{ root: { background: 'var(--surface)' } }}
        >
          <Text size="sm">
            {waiting.text}
            {waiting.untilMs !== undefined && (
              <>
                {' ('}
                <Moment atMs={waiting.untilMs} />)
              </>
            )}
          </Text>
        </Alert>
      )}
      <Panel title="Devices in all">
        <WaveBar counts={counts} />
      </Panel>
      <WavesPanel rollout={rollout} />
      {isJudged(rollout) && <GatesPanel rollout={rollout.id} />}
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel title="What it does">
          <Facts
            facts={[
              [
                'Release',
                <TextLink key="release" to="/releases/$digest" params={{ digest: release }} size="sm" fw={600}>
                  {releaseName}
                </TextLink>,
              ],
              ['Devices', <code key="selector">{spec.selector}</code>],
              ['Others that match later', spec.dynamic ? 'join' : 'are left out'],
              ['At a time', limitWords(spec)],
              ['Windows', windowWords(spec)],
              ['On failure', spec.onFailure],
              ['Priority', String(spec.priority)],
              ['Made', <ExactMoment key="made" atMs={createdAtMs} />],
              ['By', createdBy],
              ['Started', startedAtMs === null ? 'not yet' : <ExactMoment key="started" atMs={startedAtMs} />],
              ['Ended', finishedAtMs === null ? undefined : <ExactMoment key="ended" atMs={finishedAtMs} />],
            ]}
          />
        </Panel>
        <FailuresPanel failures={rollout.failures} />
      </SimpleGrid>
      <TargetsPanel id={rollout.id} waves={rollout.waves} />
      <TimelinePanel of="listRolloutEvents" id={rollout.id} />
    </>
  );
}
