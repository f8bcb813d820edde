import { Group, NativeSelect, Text } from '@mantine/core';
import { type CommandView, commandViewSchema, type NamedCommandView, type sendableCommandSchema } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { z } from 'zod';
import { read } from '../../data/queries.ts';
import { commandTones, outcomeOf } from '../../parts/command-outcome.ts';
import { DeviceCell } from '../../parts/device-cell.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { PagedView } from '../../parts/paged-view.tsx';
import { Panel } from '../../parts/panel.tsx';
import { type RowColumn, RowTable } from '../../parts/row-table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { BatchTable } from './batch-table.tsx';

interface HistoryProps {
  name: z.infer<typeof sendableCommandSchema>;
  title: string;
  note: string;
  /** What is said where nothing was sent. */
  empty: string;
}

const BATCHES = 10;

/** One command for many devices: when, for whom, how far. */
export function BatchHistory({ name, title, note, empty }: HistoryProps) {
  const [page, setPage] = useState(1);
  const batches = useQuery({
    ...read('listCommandBatches', { query: { ...pageQuery(page, BATCHES), name } }),
    placeholderData: keepPreviousData,
  });
  return (
    <Panel title={title} note={note} flush>
      <PagedView query={batches} heightPx={160} what="commands" onPage={setPage} empty={<EmptyState title={empty} />}>
        {(items) => <BatchTable batches={items} label={title} />}
      </PagedView>
    </Panel>
  );
}

const ALL = '';
type Status = CommandView['status'];
const statuses: readonly Status[] = commandViewSchema.shape.status.options;

/** What became of one command on each device, however it was sent: where devices stand now, or everything that was. */
export function DeviceHistory({ name, title, note, empty }: HistoryProps) {
  const [page, setPage] = useState(1);
  const [isNewest, setNewest] = useState(true);
  const [status, setStatus] = useState<Status>();
  const commands = useQuery({
    ...read('listNamedCommands', { query: { ...pageQuery(page), name, newest: isNewest ? 'true' : 'false', status } }),
    placeholderData: keepPreviousData,
  });
  return (
    <Panel title={title} note={note} flush>
      <Group gap="sm" px="md" pb="xs" align="end">
        <NativeSelect
          label="Which"
          data={[
            { value: 'newest', label: 'The newest of each device' },
            { value: 'all', label: 'All that were sent' },
          ]}
          value={isNewest ? 'newest' : 'all'}
          onChange={({ currentTarget: { value } }) => {
            setNewest(value === 'newest');
            setPage(1);
          }}
        />
        <NativeSelect
          label="State"
          data={[{ value: ALL, label: 'Every state' }, ...statuses]}
          value={status ?? ALL}
          onChange={({ currentTarget: { value } }) => {
            setStatus(statuses.find((each) => each === value));
            setPage(1);
          }}
        />
      </Group>
      <PagedView
        query={commands}
        heightPx={240}
        what="commands"
        onPage={setPage}
        empty={<EmptyState title={status === undefined ? empty : 'No device is in this state'} />}
      >
        {(items) => <RowTable label={title} fz="sm" rows={items} rowKey={({ id }) => id} columns={commandColumns} />}
      </PagedView>
    </Panel>
  );
}

const commandColumns: readonly RowColumn<NamedCommandView>[] = [
  {
    title: 'Device',
    cell: ({ device, deviceName, online }) => <DeviceCell device={device} name={deviceName} online={online} />,
  },
  { title: 'State', cell: ({ status }) => <Tag tone={commandTones[status]}>{status}</Tag> },
  {
    title: 'What came of it',
    maw: 420,
    isLong: true,
    cell: ({ name, status, result, error }) => (
      <div>
        <Text size="sm" lineClamp={4}>
          {outcomeOf({ name, status, result, error }) || '–'}
        </Text>
        {error !== null && (
          <Text size="xs" c="dimmed" className="mono">
            {error.code}
          </Text>
        )}
      </div>
    ),
  },
  {
    title: 'Sent',
    cell: ({ issuer, issuedAtMs }) => (
      <div>
        <Moment atMs={issuedAtMs} />
        <Text size="xs" c="dimmed">
          {issuer}
        </Text>
      </div>
    ),
  },
  { title: 'Ended', cell: ({ finishedAtMs }) => <Moment atMs={finishedAtMs} absent="–" /> },
];
