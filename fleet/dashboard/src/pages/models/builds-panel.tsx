import { Button, Progress, Table, Text } from '@mantine/core';
import type { BuildJob } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read, useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { duration } from '../../format/time.ts';
import { buildTones } from '../../parts/build-tones.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Moment } from '../../parts/moment.tsx';
import { announceProblem } from '../../parts/notice.ts';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** The newest builds, with how far they are. */
export function BuildsPanel() {
  const builds = useQuery(read('listBuilds', { query: { limit: 10 } }));
  return (
    <Panel title="Builds" note="Every pushed version is built for the precisions that devices can use." flush>
      <QueryView query={builds} heightPx={180}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="No build yet" />
          ) : (
            <WideTable label="Builds" fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Model</Table.Th>
                  <Table.Th>State</Table.Th>
                  <Table.Th miw={200}>Progress</Table.Th>
                  <Table.Th>Started</Table.Th>
                  <Table.Th>Took</Table.Th>
                  <Table.Th>
                    <span className="visually-hidden">What to do</span>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((build) => (
                  <BuildRow key={build.id} build={build} />
                ))}
              </Table.Tbody>
            </WideTable>
          )
        }
      </QueryView>
    </Panel>
  );
}

function BuildRow({ build }: { build: BuildJob }) {
  const { id, model, version, state, progressPercent, step, error, createdAtMs, updatedAtMs } = build;
  const isOver = state !== 'queued' && state !== 'running';
  return (
    <Table.Tr>
      <Table.Td fw={600}>
        {model} {version}
      </Table.Td>
      <Table.Td>
        <Tag tone={buildTones[state]} isActive={state === 'running'}>
          {state}
        </Tag>
      </Table.Td>
      <Table.Td>
        {isOver ? (
          <Text size="sm" c="dimmed">
            {error === null ? step : `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`}
          </Text>
        ) : (
          <>
            <Progress value={progressPercent} aria-label={`Build of ${model} ${version}`} />
            <Text size="xs" c="dimmed">
              {progressPercent} %, {step}
            </Text>
          </>
        )}
      </Table.Td>
      <Table.Td>
        <Moment atMs={createdAtMs} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>{isOver ? duration(updatedAtMs - createdAtMs) : '–'}</Table.Td>
      <Table.Td>
        <BuildAction id={id} state={state} name={`${model} ${version}`} />
      </Table.Td>
    </Table.Tr>
  );
}

function BuildAction({ id, state, name }: { id: string; state: BuildJob['state']; name: string }) {
  const { may } = useSession();
  const makesOld = ['listBuilds', 'listModels', 'showModel'] as const;
  const cancel = useChange('cancelBuild', { makesOld });
  const retry = useChange('retryBuild', { makesOld });
  if (!may('operator') || state === 'done') return null;
  const isGoing = state === 'queued' || state === 'running';
  const change = isGoing ? cancel : retry;
  return (
    <Button
      size="compact-xs"
      variant="default"
      loading={change.isPending}
      onClick={() => change.mutate({ params: { id } }, { onError: announceProblem })}
      aria-label={`${isGoing ? 'Cancel' : 'Retry'} the build of ${name}`}
    >
      {isGoing ? 'Cancel' : 'Retry'}
    </Button>
  );
}
