import { Group, NativeSelect, Stack, Table, Text } from '@mantine/core';
import { type RolloutTargetView, type RolloutWave, targetStateSchema } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { DeviceCell } from '../../parts/device-cell.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { targetWords } from './state-words.ts';

const route = getRouteApi('/shell/rollouts/$id');
const ALL = '';

/** Each device of a rollout, in the order in which they are started. */
export function TargetsPanel({ id, waves }: { id: string; waves: readonly RolloutWave[] }) {
  const { page, state, wave, search } = route.useSearch();
  const navigate = route.useNavigate();
  const query = { ...pageQuery(page), state, wave, search };
  const targets = useQuery({ ...read('listRolloutTargets', { params: { id }, query }), placeholderData: keepPreviousData });
  return (
    <Panel title="Devices one by one" flush>
      <Stack gap={0}>
        <Group gap="sm" px="md" pb="xs" align="flex-end">
          <NativeSelect
            label="State"
            data={[{ value: ALL, label: 'Every state' }, ...targetStateSchema.options]}
            value={state ?? ALL}
            onChange={({ currentTarget: { value } }) =>
              void navigate({ search: { wave, search, state: targetStateSchema.safeParse(value).data }, replace: true })
            }
          />
          <NativeSelect
            label="Wave"
            data={[{ value: ALL, label: 'Every wave' }, ...waves.map((each) => ({ value: String(each.step), label: each.name }))]}
            value={wave === undefined ? ALL : String(wave)}
            onChange={({ currentTarget: { value } }) =>
              void navigate({ search: { state, search, wave: value === ALL ? undefined : Number(value) }, replace: true })
            }
          />
          <SearchField
            label="Search name or id"
            value={search}
            onSearch={(next) => void navigate({ search: { state, wave, search: next }, replace: true })}
          />
        </Group>
        <QueryView query={targets} heightPx={320}>
          {({ items, total, limit, offset }) =>
            items.length === 0 ? (
              <EmptyState title="No device fits" />
            ) : (
              <>
                <TargetTable targets={items} />
                <Pager
                  {...{ total, limit, offset }}
                  what="devices"
                  onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                />
              </>
            )
          }
        </QueryView>
      </Stack>
    </Panel>
  );
}

function TargetTable({ targets }: { targets: readonly RolloutTargetView[] }) {
  return (
    <WideTable label="Devices of the rollout" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Device</Table.Th>
          <Table.Th>Profile</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th>What it says</Table.Th>
          <Table.Th ta="right">To fetch</Table.Th>
          <Table.Th>Started</Table.Th>
          <Table.Th>Ended</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {targets.map((target) => (
          <TargetRow key={target.device} target={target} />
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function TargetRow({ target }: { target: RolloutTargetView }) {
  const { device, name, profile, online, state, phase, attempt, bytes, code, message, startedAtMs, finishedAtMs } = target;
  return (
    <Table.Tr>
      <Table.Td>
        <DeviceCell device={device} name={name} online={online} />
      </Table.Td>
      <Table.Td>{profile}</Table.Td>
      <Table.Td>
        <Tag tone={targetWords[state].tone} isActive={state === 'assigned'}>
          {state}
        </Tag>
      </Table.Td>
      <Table.Td maw={340} data-long>
        <Text size="sm" lineClamp={2} title={message ?? undefined}>
          {message ?? code ?? phase ?? '–'}
          {attempt > 1 && ` (try ${attempt})`}
        </Text>
      </Table.Td>
      <Table.Td ta="right">{inWords(bytesOf(bytes))}</Table.Td>
      <Table.Td>
        <Moment atMs={startedAtMs} absent="–" />
      </Table.Td>
      <Table.Td>
        <Moment atMs={finishedAtMs} absent="–" />
      </Table.Td>
    </Table.Tr>
  );
}
