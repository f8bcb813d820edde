import { Box, Group, Select } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { DeviceTable } from './device-table.tsx';
import { type DevicesSearch, deviceOrders, deviceStatuses } from './search.ts';
import { SelectorFilter } from './selector-filter.tsx';

const route = getRouteApi('/shell/devices');
const statusWords: Record<(typeof deviceStatuses)[number], string> = {
  online: 'Online',
  offline: 'Offline',
  silent: 'Offline, page not closed',
  failed: 'Does not run',
  pending: 'Waits for approval',
  active: 'Let in',
  revoked: 'Revoked',
};
const orderWords: Record<(typeof deviceOrders)[number], string> = {
  name: 'Name',
  lastSeen: 'Last seen',
  enrolled: 'Enrolled',
  profile: 'Profile',
};

export function DevicesPage() {
  const { page, ...filter } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const devices = useQuery({ ...read('listDevices', { query: { ...pageQuery(page), ...filter } }), placeholderData: keepPreviousData });
  const narrow = (change: Partial<DevicesSearch>): void =>
    void navigate({ search: (before) => ({ ...before, page: undefined, ...change }), replace: true });
  const isNarrowed =
    filter.search !== undefined || filter.select !== undefined || filter.status !== undefined || filter.profile !== undefined;
  return (
    <>
      <PageHeader
        title="Devices"
        note="Everything that runs an agent of this fleet."
        actions={may('operator') && <ButtonLink to="/enrolment">Add a device</ButtonLink>}
      />
      <Panel title="All devices" flush actions={<Filters filter={filter} narrow={narrow} />}>
        <Box px="md" pb="sm">
          <SelectorFilter value={filter.select} onSelect={(select) => narrow({ select })} />
        </Box>
        <QueryView query={devices} heightPx={420}>
          {({ items, total, limit, offset }) =>
            items.length === 0 ? (
              <EmptyState title={isNarrowed ? 'No device fits' : 'No device yet'}>
                {isNarrowed ? 'Try fewer filters.' : 'Add one: it takes one command on the device.'}
              </EmptyState>
            ) : (
              <>
                <DeviceTable devices={items} sort={filter.sort ?? 'name'} onSort={(sort) => narrow({ sort })} />
                <Pager
                  {...{ total, limit, offset }}
                  what="devices"
                  onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                />
              </>
            )
          }
        </QueryView>
      </Panel>
    </>
  );
}

function Filters({ filter, narrow }: { filter: Omit<DevicesSearch, 'page'>; narrow: (change: Partial<DevicesSearch>) => void }) {
  return (
    <Group gap="xs" style={{ flex: '1 1 auto' }} justify="flex-end">
      <SearchField label="Search name, id or label" value={filter.search} onSearch={(search) => narrow({ search })} />
      <Select
        aria-label="State"
        placeholder="Any state"
        clearable
        w={{ base: '100%', sm: 170 }}
        data={deviceStatuses.map((value) => ({ value, label: statusWords[value] }))}
        value={filter.status ?? null}
        onChange={(value) => narrow({ status: deviceStatuses.find((each) => each === value) })}
      />
      <SearchField label="Profile" value={filter.profile} onSearch={(profile) => narrow({ profile })} width={150} />
      <Select
        aria-label="Order"
        allowDeselect={false}
        w={{ base: '100%', sm: 140 }}
        data={deviceOrders.map((value) => ({ value, label: `By ${orderWords[value].toLowerCase()}` }))}
        value={filter.sort ?? 'name'}
        onChange={(value) => narrow({ sort: deviceOrders.find((each) => each === value) })}
      />
    </Group>
  );
}
