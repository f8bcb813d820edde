import { Stack, Table } from '@mantine/core';
import { driftRecordSchema, type SeriesPoint, type TelemetryPayload } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { TimeChart } from '../../charts/time-chart.tsx';
import { read } from '../../data/queries.ts';
import { compact, counted } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { BinShares } from './bin-shares.tsx';

type Drift = TelemetryPayload<'drift'>;

/** Above this the usual reading is: moved. */
const MOVED = 0.25;
const RECORDS = 60;

/** How far what the device sees has moved from its reference, monitor by monitor. */
export function DriftPanel({ device, points }: { device: string; points: readonly SeriesPoint[] }) {
  const records = useQuery(read('listTelemetry', { params: { id: device }, query: { kind: 'drift', limit: RECORDS } }));
  const monitors = [...new Set(points.flatMap((point) => Object.keys(point.psi)))].toSorted();
  return (
    <Panel
      title="Drift"
      note="Distance from the reference: population stability index (PSI) and Kolmogorov-Smirnov (KS). A monitor has moved when PSI passes its threshold, KS agrees (p below 0.01). A hundred values or more are judged together, over as many windows as it takes."
    >
      <QueryView query={records} heightPx={260}>
        {({ items }) => {
          const latest = latestOf(items.map(({ payload }) => payload));
          if (latest.length === 0)
            return <EmptyState title="No monitor has reported">The pipeline says which edges are watched.</EmptyState>;
          return (
            <Stack gap="md">
              {monitors.length > 0 && (
                <TimeChart
                  kind="line"
                  points={points.map(({ atMs, psi }) => ({
                    atMs,
                    ...Object.fromEntries(monitors.map((name) => [name, psi[name] ?? null])),
                  }))}
                  measures={monitors.map((name) => ({ name, label: name }))}
                  format={compact}
                  thresholds={[{ y: MOVED, label: 'moved', color: 'red.6' }]}
                  summary={`PSI of ${monitors.join(', ')} over time. Times in UTC.`}
                />
              )}
              <MonitorTable latest={latest} />
            </Stack>
          );
        }}
      </QueryView>
    </Panel>
  );
}

function MonitorTable({ latest }: { latest: readonly Drift[] }) {
  return (
    <WideTable label="Monitors" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Monitor</Table.Th>
          <Table.Th>Watches</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th>PSI</Table.Th>
          <Table.Th>KS</Table.Th>
          <Table.Th>p of KS</Table.Th>
          <Table.Th>Values</Table.Th>
          <Table.Th>Shares per bin</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {latest.map((record) => (
          <Table.Tr key={record.monitor}>
            <Table.Td fw={600}>{record.monitor}</Table.Td>
            <Table.Td>
              {record.measure} of <span className="mono">{record.edge}</span>
            </Table.Td>
            <Table.Td>
              <StateTag record={record} />
            </Table.Td>
            <Table.Td>{figure(record.psi)}</Table.Td>
            <Table.Td>{figure(record.ks)}</Table.Td>
            <Table.Td>{figure(record.ksPValue)}</Table.Td>
            <Table.Td>{counted(record.histogram.count)}</Table.Td>
            <Table.Td>
              <BinShares current={record.histogram.counts} reference={record.reference} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function StateTag({ record: { psi, reference, drifted } }: { record: Drift }) {
  if (psi === null) return <Tag tone="idle">{reference === null ? 'gathers its reference' : 'gathers values'}</Tag>;
  return <Tag tone={drifted ? 'warn' : 'good'}>{drifted ? 'moved' : 'stable'}</Tag>;
}

function figure(value: number | null): string {
  return value === null ? '–' : compact(value);
}

/** The newest record of each monitor; records come newest first. */
function latestOf(payloads: readonly unknown[]): Drift[] {
  const latest = new Map<string, Drift>();
  for (const payload of payloads) {
    const record = driftRecordSchema.safeParse(payload).data;
    if (record !== undefined && !latest.has(record.monitor)) latest.set(record.monitor, record);
  }
  return [...latest.values()].toSorted((a, b) => (a.monitor < b.monitor ? -1 : 1));
}
