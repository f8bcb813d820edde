import { Group, NativeSelect, Stack, Table, Text } from '@mantine/core';
import { type ExperimentView, experimentStateSchema } from '@starling/shared';
import { IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink, TextLink } from '../../parts/link.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { experimentTones } from './experiment-words.ts';

const route = getRouteApi('/shell/experiments');
const ALL = '';

export function ExperimentsPage() {
  const { page, state } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const experiments = useQuery({ ...read('listExperiments', { query: { ...pageQuery(page), state } }), placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader
        title="Experiments"
        note="Releases challenge the one that devices run: with a share of the items, in shadow, or as a bandit that follows what is rewarded."
        actions={
          may('operator') && (
            <ButtonLink to="/experiments/new" leftSection={<IconPlus size={16} aria-hidden />}>
              New experiment
            </ButtonLink>
          )
        }
      />
      <Panel title="All experiments" flush>
        <Stack gap={0}>
          <Group gap="sm" px="md" pb="xs">
            <NativeSelect
              label="State"
              data={[{ value: ALL, label: 'Every state' }, ...experimentStateSchema.options]}
              value={state ?? ALL}
              onChange={({ currentTarget: { value } }) =>
                void navigate({ search: { state: experimentStateSchema.safeParse(value).data }, replace: true })
              }
            />
          </Group>
          <QueryView query={experiments} heightPx={320}>
            {({ items, total, limit, offset }) =>
              items.length === 0 ? (
                <EmptyState title={state === undefined ? 'No experiment yet' : 'No experiment is in this state'}>
                  {state === undefined && (
                    <CommandBox label="Or from a terminal:" command="starling experiment create -f experiment.yaml" />
                  )}
                </EmptyState>
              ) : (
                <>
                  <ExperimentTable experiments={items} />
                  <Pager
                    {...{ total, limit, offset }}
                    what="experiments"
                    onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                  />
                </>
              )
            }
          </QueryView>
        </Stack>
      </Panel>
    </>
  );
}

function ExperimentTable({ experiments }: { experiments: readonly ExperimentView[] }) {
  return (
    <WideTable label="Experiments" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Experiment</Table.Th>
          <Table.Th>Champion and challengers</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th>Devices</Table.Th>
          <Table.Th>What is known</Table.Th>
          <Table.Th>Made</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {experiments.map(({ id, name, mode, state, champion, challengers, devices, verdict, createdAtMs, createdBy }) => (
          <Table.Tr key={id}>
            <Table.Td>
              <TextLink to="/experiments/$id" params={{ id }} fw={600}>
                {name}
              </TextLink>
              <Text size="xs" c="dimmed">
                {mode}
              </Text>
            </Table.Td>
            <Table.Td>
              <Text size="sm">{champion.name}</Text>
              <Text size="xs" c="dimmed">
                {challengers.map((each) => each.name).join(', ')}
              </Text>
            </Table.Td>
            <Table.Td>
              <Tag tone={experimentTones[state]} isActive={state === 'running'}>
                {state}
              </Tag>
            </Table.Td>
            <Table.Td>{counted(devices)}</Table.Td>
            <Table.Td maw={360} data-long>
              <Text size="sm" c="dimmed" lineClamp={2}>
                {verdict}
              </Text>
            </Table.Td>
            <Table.Td>
              <Moment atMs={createdAtMs} />
              <Text size="xs" c="dimmed">
                {createdBy}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
