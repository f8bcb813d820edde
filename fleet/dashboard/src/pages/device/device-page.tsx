import { Group, Skeleton, Stack, Tabs } from '@mantine/core';
import type { DeviceView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { read } from '../../data/queries.ts';
import { PhaseTag, PresenceTag } from '../../parts/device-state.tsx';
import { Digest } from '../../parts/digest.tsx';
import { Moment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { TabRow } from '../../parts/tab-row.tsx';
import { DeviceActions } from './device-actions.tsx';
import { NowTab } from './now-tab.tsx';
import { deviceTabs } from './search.ts';

const route = getRouteApi('/shell/devices/$id');
const words: Record<(typeof deviceTabs)[number], string> = {
  now: 'Now',
  graph: 'Graph',
  measures: 'Measures',
  events: 'Events and logs',
  hardware: 'Hardware',
};

// Charts and tables that few look at come when they are asked for.
const GraphTab = lazy(async () => ({ default: (await import('./graph/graph-tab.tsx')).GraphTab }));
const MeasuresTab = lazy(async () => ({ default: (await import('./measures-tab.tsx')).MeasuresTab }));
const EventsTab = lazy(async () => ({ default: (await import('./events-tab.tsx')).EventsTab }));
const HardwareTab = lazy(async () => ({ default: (await import('./hardware-tab.tsx')).HardwareTab }));

export function DevicePage() {
  const { id } = route.useParams();
  const device = useQuery(read('showDevice', { params: { id } }));
  return (
    <QueryView query={device} heightPx={560} page="Device">
      {(view) => <Device device={view} />}
    </QueryView>
  );
}

function Device({ device }: { device: DeviceView }) {
  const { tab = 'now' } = route.useSearch();
  const navigate = route.useNavigate();
  const show = (next: string | null): void =>
    void navigate({ search: { tab: deviceTabs.find((each) => each === next && each !== 'now') }, replace: true });
  return (
    <>
      <PageHeader
        title={device.name}
        badge={
          <Group gap={6}>
            <PresenceTag device={device} />
            <PhaseTag device={device} />
          </Group>
        }
        note={
          <>
            <Digest value={device.id} length={26} what="device id" /> · {device.profile} · agent {device.agentVersion} · seen{' '}
            <Moment atMs={device.lastSeenAtMs} />
          </>
        }
        actions={<DeviceActions device={device} />}
      />
      <Tabs value={tab} onChange={show} keepMounted={false}>
        <TabRow names={deviceTabs} words={words} value={tab} />
        <Suspense fallback={<Skeleton height={480} mt="md" radius="md" aria-busy="true" />}>
          <Stack mt="md" gap="md">
            <Tabs.Panel value="now">
              <NowTab device={device} />
            </Tabs.Panel>
            <Tabs.Panel value="graph">
              <GraphTab device={device} />
            </Tabs.Panel>
            <Tabs.Panel value="measures">
              <MeasuresTab device={device} />
            </Tabs.Panel>
            <Tabs.Panel value="events">
              <EventsTab device={device} />
            </Tabs.Panel>
            <Tabs.Panel value="hardware">
              <HardwareTab device={device} />
            </Tabs.Panel>
          </Stack>
        </Suspense>
      </Tabs>
    </>
  );
}
