import { SimpleGrid, Stack } from '@mantine/core';
import type { Overview } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { AttentionPanel } from './attention-panel.tsx';
import { BetterChoices } from './better-choices.tsx';
import { FirstSteps } from './first-steps.tsx';
import { FleetChart } from './fleet-chart.tsx';
import { FleetFigures } from './fleet-figures.tsx';
import { RecentChanges } from './recent-changes.tsx';

export function OverviewPage() {
  const overview = useQuery(read('overview', {}));
  return (
    <>
      <PageHeader title="Overview" note="The fleet at a glance. Figures are those of the last hour." />
      <QueryView query={overview} heightPx={560}>
        {(figures) => <Glance overview={figures} />}
      </QueryView>
    </>
  );
}

function Glance({ overview }: { overview: Overview }) {
  const { may } = useSession();
  const isReady = overview.releases > 0 && overview.devices.running > 0;
  return (
    <Stack gap="md">
      {!isReady && <FirstSteps overview={overview} />}
      <FleetFigures overview={overview} />
      <BetterChoices />
      <FleetChart />
      <SimpleGrid cols={{ base: 1, lg: may('operator') ? 2 : 1 }} spacing="md">
        <AttentionPanel overview={overview} />
        {may('operator') && <RecentChanges />}
      </SimpleGrid>
    </Stack>
  );
}
