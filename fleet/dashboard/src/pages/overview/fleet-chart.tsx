import { SimpleGrid } from '@mantine/core';
import type { FleetPoint } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { finished } from '../../charts/finished.ts';
import { sinceFirst } from '../../charts/since-first.ts';
import { TimeChart } from '../../charts/time-chart.tsx';
import { read } from '../../data/queries.ts';
import { compact, counted, inWords, millisecondsOf } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';

const HEIGHT_PX = 200;
const MINUTE_MS = 60_000;

/** Inferences and latency of the whole fleet, minute by minute; of a large one in five minutes. */
export function FleetChart() {
  const series = useQuery(read('fleetSeries', { query: { buckets: 60 } }));
  const widthMs = series.data?.widthMs ?? MINUTE_MS;
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Panel title={widthMs === MINUTE_MS ? 'Inferences per minute' : `Inferences, ${widthMs / MINUTE_MS} minutes a point`}>
        <QueryView query={series} heightPx={HEIGHT_PX + 30}>
          {({ points }) => <Inferences points={sinceFirst(points, saysSomething)} widthMs={widthMs} />}
        </QueryView>
      </Panel>
      <Panel title="Latency">
        <QueryView query={series} heightPx={HEIGHT_PX + 30}>
          {({ points }) => <Latency points={sinceFirst(points, saysSomething)} />}
        </QueryView>
      </Panel>
    </SimpleGrid>
  );
}

function saysSomething({ items, failures }: FleetPoint): boolean {
  return items > 0 || failures > 0;
}

function Inferences({ points, widthMs }: { points: readonly FleetPoint[]; widthMs: number }) {
  const total = points.reduce((sum, point) => sum + point.items, 0);
  const failures = points.reduce((sum, point) => sum + point.failures, 0);
  const endMs = (points.at(-1)?.atMs ?? 0) + widthMs;
  if (total === 0) return <EmptyState title="No inference in the last hour">Figures come every few seconds once a device runs.</EmptyState>;
  return (
    <TimeChart
      kind="area"
      points={finished(points, widthMs, endMs).map((point) => ({ atMs: point.atMs, items: 'items' in point ? point.items : null }))}
      measures={[{ name: 'items', label: 'Inferences' }]}
      format={compact}
      heightPx={HEIGHT_PX}
      summary={`${counted(total)} inferences in the last hour, ${counted(failures)} failed. Times in UTC.`}
    />
  );
}

function Latency({ points }: { points: readonly FleetPoint[] }) {
  const last = points.findLast((point) => point.latencyMsP50 !== null);
  if (last === undefined) return <EmptyState title="No latency yet">It is measured on the devices, from queue to result.</EmptyState>;
  return (
    <TimeChart
      kind="line"
      points={points.map(({ atMs, latencyMsP50, latencyMsP95 }) => ({ atMs, latencyMsP50, latencyMsP95 }))}
      measures={[
        { name: 'latencyMsP50', label: 'median' },
        { name: 'latencyMsP95', label: 'p95' },
      ]}
      format={(value) => inWords(millisecondsOf(value))}
      heightPx={HEIGHT_PX}
      summary={`Latest: median ${inWords(millisecondsOf(last.latencyMsP50))}, p95 ${inWords(millisecondsOf(last.latencyMsP95))}. Times in UTC.`}
    />
  );
}
