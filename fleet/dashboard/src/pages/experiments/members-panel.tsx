import { Table, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { TextLink } from '../../parts/link.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

const route = getRouteApi('/shell/experiments/$id');

/** Devices that take part, and what became of the challengers there. */
export function MembersPanel({ id }: { id: string }) {
  const { page } = route.useSearch();
  const navigate = route.useNavigate();
  const devices = useQuery({
    ...read('listExperimentDevices', { params: { id }, query: pageQuery(page) }),
    placeholderData: keepPreviousData,
  });
  return (
    <Panel title="Devices" flush>
      <QueryView query={devices} heightPx={200}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title="No device takes part yet" />
          ) : (
            <>
              <WideTable label="Devices">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Device</Table.Th>
                    <Table.Th>Takes part</Table.Th>
                    <Table.Th>Since</Table.Th>
                    <Table.Th>Challengers there</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map(({ device, name, takesPart, joinedAtMs, reason, arms }) => (
                    <Table.Tr key={device}>
                      <Table.Td>
                        <TextLink to="/devices/$id" params={{ id: device }} size="sm" fw={600}>
                          {name}
                        </TextLink>
                      </Table.Td>
                      <Table.Td>
                        <Tag tone={takesPart ? 'good' : 'idle'}>{takesPart ? 'yes' : 'no'}</Tag>
                        <Text size="xs" c="dimmed">
                          {reason}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        <Moment atMs={joinedAtMs} />
                      </Table.Td>
                      <Table.Td data-long>
                        {arms.map(({ release, state, problem }) => (
                          <Text key={release} size="sm">
                            {state}
                            {problem === undefined ? '' : `: ${problem.message}`}
                          </Text>
                        ))}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </WideTable>
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
