import { Text } from '@mantine/core';
import type { AgentBuildView } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { bytesOf, counted, inWords } from '../../format/quantity.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { PagedView } from '../../parts/paged-view.tsx';
import { Panel } from '../../parts/panel.tsx';
import { type RowColumn, RowTable } from '../../parts/row-table.tsx';
import { BatchHistory, DeviceHistory } from '../commands/command-history.tsx';

const ROWS = 10;

/** Which agents run, which were published, and what came of updates. */
export function AgentsPage() {
  return (
    <>
      <PageHeader
        title="Agents"
        note="Agents replace themselves by a build that the publisher has signed, a few devices at a time. One that is worse off goes back by itself."
      />
      <RunningPanel />
      <PublishedPanel />
      <BatchHistory
        name="update-agent"
        title="Updates"
        note="Newest first. Open one for its devices and its failures; it can be cancelled there."
        empty="None was started yet"
      />
      <DeviceHistory
        name="update-agent"
        title="Devices one by one"
        note="Done means that the new agent has proved itself; failed, that the old one is back."
        empty="No device was told to update yet"
      />
    </>
  );
}

function RunningPanel() {
  const [page, setPage] = useState(1);
  const agents = useQuery({ ...read('listRunningAgents', { query: pageQuery(page, ROWS) }), placeholderData: keepPreviousData });
  return (
    <Panel title="What runs" note="As devices have said it themselves." flush>
      <PagedView query={agents} heightPx={160} what="agents" onPage={setPage} empty={<EmptyState title="No device has enrolled yet" />}>
        {(items) => (
          <RowTable
            label="Agents that run"
            rows={items}
            rowKey={({ version, build }) => `${version} ${build}`}
            columns={[
              { title: 'Agent', cell: ({ version }) => version },
              { title: 'Build', cell: ({ build }) => build ?? 'the one that was installed' },
              { title: 'Devices', cell: ({ devices }) => counted(devices) },
              { title: 'Connected', cell: ({ online }) => counted(online) },
            ]}
          />
        )}
      </PagedView>
    </Panel>
  );
}

function PublishedPanel() {
  const [page, setPage] = useState(1);
  const { may } = useSession();
  const builds = useQuery({ ...read('listAgentBuilds', { query: pageQuery(page, ROWS) }), placeholderData: keepPreviousData });
  const nothing = (
    <EmptyState title="No agent was published yet">
      <CommandBox label="From a terminal, with your publisher key:" command="starling agent publish 1.4.0" />
    </EmptyState>
  );
  return (
    <Panel title="What may follow" note="Signed with the publisher key, on the machine of whoever published it." flush>
      <PagedView query={builds} heightPx={160} what="agents" onPage={setPage} empty={nothing}>
        {(items) => (
          <RowTable
            label="Agents that were published"
            rows={items}
            rowKey={({ digest }) => digest}
            columns={may('operator') ? [...buildColumns, updateColumn] : buildColumns}
          />
        )}
      </PagedView>
    </Panel>
  );
}

const buildColumns: readonly RowColumn<AgentBuildView>[] = [
  { title: 'Agent', fw: 600, cell: ({ version }) => version },
  {
    title: 'For',
    cell: ({ packages }) => (
      <div>
        {packages.map(({ platform, sizeBytes }) => (
          <Text key={platform} size="sm">
            {platform}, {inWords(bytesOf(sizeBytes))}
          </Text>
        ))}
      </div>
    ),
  },
  { title: 'Digest', cell: ({ digest }) => <Digest value={digest} /> },
  {
    title: 'Published',
    cell: ({ createdAtMs, createdBy }) => (
      <div>
        <Moment atMs={createdAtMs} />
        <Text size="xs" c="dimmed">
          {createdBy}
        </Text>
      </div>
    ),
  },
];

const updateColumn: RowColumn<AgentBuildView> = {
  title: 'Update',
  cell: ({ digest, version }) => (
    <ButtonLink
      to="/commands/new"
      search={{ name: 'update-agent', build: digest }}
      variant="default"
      size="xs"
      aria-label={`Update devices to ${version}`}
    >
      Update devices
    </ButtonLink>
  ),
};
