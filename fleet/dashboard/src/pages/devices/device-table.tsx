import { Group, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import type { DeviceView } from '@starling/shared';
import { IconArrowsSort, IconSortAscending } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { PhaseTag, PresenceTag } from '../../parts/device-state.tsx';
import { Labels } from '../../parts/labels.tsx';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import classes from './device-table.module.css';
import type { deviceOrders } from './search.ts';

type Order = (typeof deviceOrders)[number];

interface DeviceTableProps {
  devices: readonly DeviceView[];
  sort: Order;
  onSort: (order: Order) => void;
}

/** Devices as rows on wide pages, as cards on narrow ones. */
export function DeviceTable({ devices, sort, onSort }: DeviceTableProps) {
  const sortable = (order: Order, label: string): ReactNode => (
    <Table.Th aria-sort={sort === order ? 'ascending' : 'none'}>
      <UnstyledButton className={classes.sort} onClick={() => onSort(order)}>
        {label}
        {sort === order ? <IconSortAscending size={14} aria-hidden /> : <IconArrowsSort size={14} aria-hidden opacity={0.45} />}
      </UnstyledButton>
    </Table.Th>
  );
  return (
    <>
      <div className={classes.rows}>
        <WideTable label="Devices" highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              {sortable('name', 'Name')}
              <Table.Th>Presence</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Release</Table.Th>
              {sortable('profile', 'Profile')}
              <Table.Th>Labels</Table.Th>
              {sortable('lastSeen', 'Last seen')}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {devices.map((device) => (
              <Table.Tr key={device.id}>
                <Table.Td>
                  <DeviceName device={device} />
                </Table.Td>
                <Table.Td>
                  <PresenceTag device={device} />
                </Table.Td>
                <Table.Td>
                  <PhaseTag device={device} />
                </Table.Td>
                <Table.Td>{device.desired?.releaseName ?? '–'}</Table.Td>
                <Table.Td>{device.profile}</Table.Td>
                <Table.Td>
                  <Labels labels={device.labels} absent="–" />
                </Table.Td>
                <Table.Td>
                  <Moment atMs={device.lastSeenAtMs} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </WideTable>
      </div>
      <ul className={classes.cards} aria-label="Devices">
        {devices.map((device) => (
          <li key={device.id} className={classes.card}>
            <DeviceCard device={device} />
          </li>
        ))}
      </ul>
    </>
  );
}

function DeviceName({ device }: { device: DeviceView }) {
  return (
    <div>
      <TextLink to="/devices/$id" params={{ id: device.id }} fw={600}>
        {device.name}
      </TextLink>
      <Text size="xs" c="dimmed" className="mono">
        {device.id.slice(0, 10)}…
      </Text>
    </div>
  );
}

function DeviceCard({ device }: { device: DeviceView }) {
  return (
    <Stack gap={6}>
      <DeviceName device={device} />
      <Group gap={6}>
        <PresenceTag device={device} />
        <PhaseTag device={device} />
      </Group>
      <Text size="sm" c="dimmed">
        {device.desired?.releaseName ?? 'no release'} · {device.profile} · seen <Moment atMs={device.lastSeenAtMs} />
      </Text>
      <Labels labels={device.labels} />
    </Stack>
  );
}
