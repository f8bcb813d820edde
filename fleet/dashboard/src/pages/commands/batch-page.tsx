import { Button, Group, NativeSelect, SimpleGrid, Table, Text } from '@mantine/core';
import { type BatchTargetView, batchTargetStateSchema, type CommandBatchView } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { commandTones, outcomeOf } from '../../parts/command-outcome.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { CountBar } from '../../parts/count-bar.tsx';
import { DeviceCell } from '../../parts/device-cell.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { ExactMoment, Moment } from '../../parts/moment.tsx';
import { announce } from '../../parts/notice.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { endedOf, partsOf, targetStates, toneOf } from './batch-words.ts';

const route = getRouteApi('/shell/commands/$id');
const ALL = '';
/** Answers come from many devices at once, and each event names one: what is running is asked for instead. */
const LOOK_MS = 2000;

export function BatchPage() {
  const { id } = route.useParams();
  const batch = useQuery({
    ...read('showCommandBatch', { params: { id } }),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? LOOK_MS : false),
  });
  return (
    <QueryView query={batch} heightPx={520} page="Command">
      {(view) => <Batch batch={view} />}
    </QueryView>
  );
}

function Batch({ batch }: { batch: CommandBatchView }) {
  const { id, name, state, reason, select, total, maxInFlight, stopAfter, lifeMinutes, createdAtMs, createdBy, finishedAtMs } = batch;
  return (
    <>
      <PageHeader
        title={name}
        badge={
          <Tag tone={toneOf(batch)} isActive={state === 'running'}>
            {state}
          </Tag>
        }
        note={`For ${counted(total)} ${total === 1 ? 'device' : 'devices'}${reason === null ? '' : `: ${reason}`}`}
        actions={state === 'running' && <CancelButton batch={batch} />}
      />
      <Panel title="Answers">
        <CountBar parts={partsOf(batch)} />
        <Text size="sm" mt="xs" role="status">
          {counted(endedOf(batch))} of {counted(total)} have ended.
        </Text>
      </Panel>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel title="What was sent">
          <Facts
            facts={[
              [
                'Arguments',
                Object.keys(batch.arguments).length === 0 ? 'none' : <code key="given">{JSON.stringify(batch.arguments)}</code>,
              ],
              ['Devices', <code key="select">{select}</code>],
              ['At a time', `${counted(maxInFlight)} that are connected`],
              ['Stops', `where ${stopAfter.percent} % of at least ${counted(stopAfter.minimum)} answers failed`],
              ['Each has', `${counted(lifeMinutes)} minutes from its turn on`],
              ['Sent', <ExactMoment key="sent" atMs={createdAtMs} />],
              ['By', createdBy],
              ['Ended', finishedAtMs === null ? undefined : <ExactMoment key="ended" atMs={finishedAtMs} />],
            ]}
          />
        </Panel>
        <FailuresPanel id={id} isRunning={state === 'running'} />
      </SimpleGrid>
      <TargetsPanel batch={batch} />
    </>
  );
}

function CancelButton({ batch: { id, name, total } }: { batch: CommandBatchView }) {
  const { may } = useSession();
  const [isAsked, setAsked] = useState(false);
  const cancel = useChange('cancelCommandBatch', {
    makesOld: ['showCommandBatch', 'listCommandBatches', 'listBatchTargets', 'listAudit'],
    onDone: () => {
      setAsked(false);
      announce('It goes to nobody more');
    },
  });
  if (!may('operator')) return null;
  return (
    <>
      <Button variant="default" aria-haspopup="dialog" onClick={() => setAsked(true)}>
        Cancel it
      </Button>
      {isAsked && (
        <ConfirmDialog
          title={`Cancel ${name}`}
          verb="Cancel it"
          isPending={cancel.isPending}
          error={cancel.error}
          onConfirm={() => cancel.mutate({ params: { id } })}
          onClose={() => setAsked(false)}
        >
          It was meant for {counted(total)} devices. It is sent to nobody more and ended where it is open; what was answered stays.
        </ConfirmDialog>
      )}
    </>
  );
}

function FailuresPanel({ id, isRunning }: { id: string; isRunning: boolean }) {
  const failures = useQuery({
    ...read('listBatchFailures', { params: { id }, query: { limit: 20 } }),
    refetchInterval: isRunning ? LOOK_MS : false,
  });
  return (
    <Panel title="Failures" note="What devices said, the most frequent first." flush>
      <QueryView query={failures} heightPx={120}>
        {({ items, total }) =>
          items.length === 0 ? (
            <EmptyState title="None" />
          ) : (
            <>
              <WideTable label="Failures" fz="sm">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Code</Table.Th>
                    <Table.Th>Such as</Table.Th>
                    <Table.Th ta="right">Devices</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map(({ code, example, devices }) => (
                    <Table.Tr key={code}>
                      <Table.Td className="mono">{code}</Table.Td>
                      <Table.Td maw={340} data-long>
                        {example}
                      </Table.Td>
                      <Table.Td ta="right">{counted(devices)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </WideTable>
              {total > items.length && (
                <Text size="sm" c="dimmed" px="md" py="xs">
                  And {counted(total - items.length)} further codes.
                </Text>
              )}
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}

function TargetsPanel({ batch: { id, name, state: batchState } }: { batch: CommandBatchView }) {
  const { page, state } = route.useSearch();
  const navigate = route.useNavigate();
  const targets = useQuery({
    ...read('listBatchTargets', { params: { id }, query: { ...pageQuery(page), state } }),
    placeholderData: keepPreviousData,
    refetchInterval: batchState === 'running' ? LOOK_MS : false,
  });
  return (
    <Panel title="Devices one by one" flush>
      <Group gap="sm" px="md" pb="xs">
        <NativeSelect
          label="State"
          data={[{ value: ALL, label: 'Every state' }, ...targetStates]}
          value={state ?? ALL}
          onChange={({ currentTarget: { value } }) =>
            void navigate({ search: { state: batchTargetStateSchema.safeParse(value).data }, replace: true })
          }
        />
      </Group>
      <QueryView query={targets} heightPx={320}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title="No device is in this state" />
          ) : (
            <>
              <TargetTable name={name} targets={items} />
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
  );
}

function TargetTable({ name, targets }: { name: CommandBatchView['name']; targets: readonly BatchTargetView[] }) {
  return (
    <WideTable label="Devices of the command" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Device</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th>Answer</Table.Th>
          <Table.Th>At</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {targets.map(({ device, name: deviceName, online, state, result, error, finishedAtMs }) => (
          <Table.Tr key={device}>
            <Table.Td>
              <DeviceCell device={device} name={deviceName} online={online} />
            </Table.Td>
            <Table.Td>
              <Tag tone={commandTones[state]}>{state}</Tag>
            </Table.Td>
            <Table.Td maw={420} data-long>
              <Text size="sm" lineClamp={3}>
                {outcomeOf({ name, status: state, result, error }) || '–'}
              </Text>
            </Table.Td>
            <Table.Td>
              <Moment atMs={finishedAtMs} absent="–" />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
