import { SimpleGrid, Table } from '@mantine/core';
import type { ReleaseView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { TextLink } from '../../parts/link.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { ObjectivePanel } from './objective-panel.tsx';

const route = getRouteApi('/shell/releases/$digest');

export function ReleasePage() {
  const { digest } = route.useParams();
  const release = useQuery(read('showRelease', { params: { digest } }));
  return (
    <QueryView query={release} heightPx={480} page="Release">
      {(view) => <Release release={view} />}
    </QueryView>
  );
}

function Release({ release: { name, digest, document, deviceCount, createdAtMs, createdBy } }: { release: ReleaseView }) {
  const { pipeline, policies, requires, requiredProviders } = document;
  const { egress, capture, retention, power } = policies;
  return (
    <>
      <PageHeader title={name} note={`Assigned to ${counted(deviceCount)} ${deviceCount === 1 ? 'device' : 'devices'}`} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel title="What runs">
          <Facts
            facts={[
              [
                'Pipeline',
                <TextLink key="pipeline" to="/pipelines/$digest" params={{ digest: pipeline.digest }} size="sm" fw={600}>
                  {pipeline.name} {pipeline.version}
                </TextLink>,
              ],
              ['Needs providers', requiredProviders?.join(', ') ?? 'any that runs'],
              ['Needs protocol', `version ${requires.protocolVersion}`],
              ['Digest', <Digest key="digest" value={digest} />],
              ['Made', <ExactMoment key="made" atMs={createdAtMs} />],
              ['By', createdBy],
            ]}
          />
        </Panel>
        <Panel title="Policies" note="Signed by the publisher; fleet and device may only narrow them.">
          <Facts
            facts={[
              ['Leaves the device', egress.outputs.length === 0 ? 'no output' : egress.outputs.join(', ')],
              ['Sinks that may send', egress.sinks.length === 0 ? 'none' : egress.sinks.join(', ')],
              ['Raw values', egress.edges.length === 0 ? 'never leave' : egress.edges.join(', ')],
              ['Capture for learning', capture.enabled ? 'allowed' : 'off'],
              ['Results are kept', `${counted(retention.resultDays)} days`],
              ['Power', power.maximumWatts === undefined ? 'no limit' : `at most ${power.maximumWatts} W`],
            ]}
          />
        </Panel>
      </SimpleGrid>
      <ObjectivePanel release={digest} />
      <Panel title="Models" flush>
        <ModelTable models={document.models} />
      </Panel>
      <Panel title="Operators it needs" flush>
        <OperatorTable operators={requires.operators} />
      </Panel>
    </>
  );
}

function ModelTable({ models }: { models: ReleaseView['document']['models'] }) {
  if (models.length === 0) return <EmptyState title="No model">The pipeline is made of operators alone.</EmptyState>;
  return (
    <WideTable label="Models">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Model</Table.Th>
          <Table.Th>Version</Table.Th>
          <Table.Th>Digest</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {models.map((model) => (
          <Table.Tr key={model.digest}>
            <Table.Td>
              <TextLink to="/models/$digest" params={{ digest: model.digest }} fw={600}>
                {model.name}
              </TextLink>
            </Table.Td>
            <Table.Td>{model.version}</Table.Td>
            <Table.Td>
              <Digest value={model.digest} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function OperatorTable({ operators }: { operators: Readonly<Record<string, number>> }) {
  const entries = Object.entries(operators);
  if (entries.length === 0) return <EmptyState title="None in particular" />;
  return (
    <WideTable label="Operators" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Operator</Table.Th>
          <Table.Th>From version</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map(([name, version]) => (
          <Table.Tr key={name}>
            <Table.Td className="mono">{name}</Table.Td>
            <Table.Td>{version}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
