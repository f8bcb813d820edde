import { Skeleton, Stack, Tabs } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ModelView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { ButtonLink } from '../../parts/link.tsx';
import { OpenButton } from '../../parts/open-button.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { TabRow } from '../../parts/tab-row.tsx';
import { ArtefactDrawer } from './artefact-drawer.tsx';
import { ArtefactsTab } from './artefacts-tab.tsx';
import { BuildDialog } from './build-dialog.tsx';
import { CardTab } from './card-tab.tsx';
import { LineageTab } from './lineage-tab.tsx';
import { modelTabs } from './search.ts';

const route = getRouteApi('/shell/models/$digest');
const words: Record<(typeof modelTabs)[number], string> = {
  artefacts: 'Artefacts',
  devices: 'On devices',
  layers: 'Layers',
  lineage: 'Lineage',
  card: 'Card',
};

// Charts and long tables come when they are asked for.
const DevicesTab = lazy(async () => ({ default: (await import('./devices-tab.tsx')).DevicesTab }));
const LayersTab = lazy(async () => ({ default: (await import('./layers-tab.tsx')).LayersTab }));

export function ModelPage() {
  const { digest } = route.useParams();
  const model = useQuery(read('showModel', { params: { digest } }));
  return (
    <QueryView query={model} heightPx={520} page="Model">
      {(view) => <Model model={view} />}
    </QueryView>
  );
}

function Model({ model }: { model: ModelView }) {
  const { tab = 'artefacts', artefact } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const [isBuilding, building] = useDisclosure(false);
  const show = (next: string | null): void =>
    void navigate({ search: { tab: modelTabs.find((each) => each === next && each !== 'artefacts') }, replace: true });
  const open = (next: string | undefined): void => void navigate({ search: (before) => ({ ...before, artefact: next }), replace: true });
  return (
    <>
      <PageHeader
        title={`${model.name} ${model.version}`}
        note={model.document.card.title}
        actions={
          <>
            <ButtonLink variant="default" to="/builds" search={{ model: model.digest }}>
              Its builds
            </ButtonLink>
            {may('operator') && <OpenButton onOpen={building.open}>Build another</OpenButton>}
          </>
        }
      />
      <Tabs value={tab} onChange={show} keepMounted={false}>
        <TabRow names={modelTabs} words={words} value={tab} />
        <Suspense fallback={<Skeleton height={420} mt="md" radius="md" aria-busy="true" />}>
          <Stack mt="md" gap="md">
            <Tabs.Panel value="artefacts">
              <ArtefactsTab model={model} onOpen={open} />
            </Tabs.Panel>
            <Tabs.Panel value="devices">
              <DevicesTab model={model} />
            </Tabs.Panel>
            <Tabs.Panel value="layers">
              <LayersTab model={model} />
            </Tabs.Panel>
            <Tabs.Panel value="lineage">
              <LineageTab model={model} onOpen={open} />
            </Tabs.Panel>
            <Tabs.Panel value="card">
              <CardTab model={model} />
            </Tabs.Panel>
          </Stack>
        </Suspense>
      </Tabs>
      {isBuilding && <BuildDialog model={model} onClose={building.close} />}
      {artefact !== undefined && <ArtefactDrawer digest={artefact} onClose={() => open(undefined)} />}
    </>
  );
}
