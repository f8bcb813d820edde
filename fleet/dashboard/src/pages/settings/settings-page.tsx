import { SimpleGrid, Stack } from '@mantine/core';
import { useSession } from '../../data/session.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { AccountPanel } from './account-panel.tsx';
import { ApiTokensPanel } from './api-tokens-panel.tsx';
import { FleetPanel } from './fleet-panel.tsx';
import { OperatorAccountsPanel } from './operator-accounts-panel.tsx';
import { ProcessesPanel } from './processes-panel.tsx';
import { ThemePanel } from './theme-panel.tsx';
import { UsersPanel } from './users-panel.tsx';

export function SettingsPage() {
  const { may } = useSession();
  return (
    <>
      <PageHeader title="Settings" note="You, the people of this fleet, and the fleet itself." />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Stack gap="md">
          <AccountPanel />
          <ThemePanel />
        </Stack>
        <FleetPanel />
      </SimpleGrid>
      <ProcessesPanel />
      {may('admin') && (
        <>
          <UsersPanel />
          <ApiTokensPanel />
          <OperatorAccountsPanel />
        </>
      )}
    </>
  );
}
