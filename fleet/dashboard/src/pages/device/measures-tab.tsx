import { Group, SegmentedControl, SimpleGrid, Stack } from '@mantine/core';
import type { DeviceView, SeriesPoint } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { finished } from '../../charts/finished.ts';
import { sinceFirst } from '../../charts/since-first.ts';
import { type Measure, TimeChart, type TimeChartProps } from '../../charts/time-chart.tsx';
import { read } from '../../data/queries.ts';
import { bytesOf, compact, inWords, joulesOf, millisecondsOf, percentOf, rateOf } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { useNowMs } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { DriftPanel } from './drift-panel.tsx';
import classes from './measures-tab.module.css';
import { rangeHours } from './search.ts';

const route = getRouteApi('/shell/devices/$id');
const HOUR_MS = 3_600_000;
const BUCKETS = 60;
const rangeWords: Record<(typeof rangeHours)[number], string> = { 1: 'Hour', 6: '6 hours', 24: 'Day', 168: 'Week' };

/** The device's figures over time. */
export function MeasuresTab({ device: { id, capabilities } }: { device: DeviceView }) {
  const { hours = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  // The range starts at a whole bucket, so that the answer is kept until the next one.
  const bucketMs = (hours * HOUR_MS) / BUCKETS;
  const nowMs = useNowMs();
  const toMs = Math.ceil(nowMs / bucketMs) * bucketMs;
  const range = { fromMs: toMs - hours * HOUR_MS, toMs };
  const series = useQuery({
    ...read('telemetrySeries', { params: { id }, query: { ...range, buckets: BUCKETS } }),
    placeholderData: keepPreviousData,
  });
  const summary = useQuery({ ...read('summariseTelemetry', { params: { id }, query: range }), placeholderData: keepPreviousData });
  return (
    <Stack gap="md">
      <Group justify="flex-end">
        <SegmentedControl
          aria-label="Range of time"
          data={rangeHours.map((each) => ({ value: String(each), label: rangeWords[each] }))}
          value={String(hours)}
          onChange={(value) =>
            void navigate({ search: (before) => ({ ...before, hours: rangeHours.find((each) => String(each) === value) }), replace: true })
          }
        />
      </Group>
      <QueryView query={series} heightPx={560}>
        {({ points }) => (
          <Charts
            points={sinceFirst(points, saysSomething)}
            bucketMs={bucketMs}
            // Until the next range is read, the one before stands in for it, without a time.
            readAtMs={series.dataUpdatedAt || nowMs}
            energyMethod={summary.data?.energyMethod ?? null}
            isBrowser={capabilities.browser !== undefined}
          />
        )}
      </QueryView>
      <DriftPanel device={id} points={sinceFirst(series.data?.points ?? [], saysSomething)} />
    </Stack>
  );
}

/** Something was reported in this part of the range. */
function saysSomething({ items, agentMemoryBytes }: SeriesPoint): boolean {
  return items > 0 || agentMemoryBytes !== null;
}

interface ChartsProps {
  points: readonly SeriesPoint[];
  bucketMs: number;
  readAtMs: number;
  energyMethod: 'measured' | 'modelled' | null;
  isBrowser: boolean;
}

const absentOfItems = 'Nothing was read in this range. Figures come every few seconds from a device that reads.';

function Charts({ points, bucketMs, readAtMs, energyMethod, isBrowser }: ChartsProps) {
  const pick = (...names: (keyof SeriesPoint)[]) =>
    points.map((point) => ({ atMs: point.atMs, ...Object.fromEntries(names.map((name) => [name, point[name] as number | null])) }));
  const energyTitle = energyMethod === null ? 'Energy per inference' : `Energy per inference (${energyMethod})`;
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md" className={classes.charts}>
      <ChartPanel
        title="Latency"
        note="From entering the queue to the result"
        kind="line"
        points={pick('latencyMsP50', 'latencyMsP95')}
        measures={[
          { name: 'latencyMsP50', label: 'median' },
          { name: 'latencyMsP95', label: 'p95' },
        ]}
        format={(value) => inWords(millisecondsOf(value))}
        absent={absentOfItems}
      />
      <ChartPanel
        title="Throughput"
        note="Inferences a second"
        kind="area"
        points={rates(points, bucketMs, readAtMs)}
        measures={[{ name: 'perSecond', label: 'inferences' }]}
        format={(value) => inWords(rateOf(value))}
        absent="Nothing ran, or the first part of the range is not over yet."
      />
      <ChartPanel
        title="Memory"
        note="Resident memory of the agent"
        kind="area"
        points={pick('agentMemoryBytes')}
        measures={[{ name: 'agentMemoryBytes', label: 'memory' }]}
        format={(value) => inWords(bytesOf(value))}
        {...(isBrowser ? { absent: 'This browser does not tell how much memory its page takes.' } : {})}
      />
      <ChartPanel
        title="Processor"
        note="Use of all cores of the device"
        kind="area"
        points={pick('cpuUtilisation')}
        measures={[{ name: 'cpuUtilisation', label: 'processor' }]}
        format={(value) => inWords(percentOf(value))}
        maximum={1}
      />
      <ChartPanel
        title={energyTitle}
        note={
          energyMethod === 'modelled'
            ? 'From the power curve of the profile and measured processor time'
            : 'Above what the idle device takes'
        }
        kind="line"
        points={pick('joulesPerInference')}
        measures={[{ name: 'joulesPerInference', label: 'per inference' }]}
        format={(value) => inWords(joulesOf(value))}
        absent={absentOfItems}
      />
      <ChartPanel
        title="Temperature"
        kind="line"
        points={pick('temperatureCelsius')}
        measures={[{ name: 'temperatureCelsius', label: 'temperature' }]}
        format={(value) => `${compact(value)} °C`}
        absent="The device has no readable temperature sensor."
      />
      <BatteryChart points={pick('batteryLevel')} />
    </SimpleGrid>
  );
}

/** Inferences a second, of each part of the range that is over. */
function rates(points: readonly SeriesPoint[], bucketMs: number, readAtMs: number): { atMs: number; perSecond: number | null }[] {
  return finished(points, bucketMs, readAtMs).map((point) => ({
    atMs: point.atMs,
    perSecond: 'items' in point && point.items > 0 ? (point.items * 1000) / bucketMs : null,
  }));
}

/** Most devices have none, and then there is nothing to say. */
function BatteryChart({ points }: Pick<ChartPanelProps, 'points'>) {
  if (points.every(({ batteryLevel }) => batteryLevel === null)) return null;
  return (
    <ChartPanel
      title="Battery"
      kind="line"
      points={points}
      measures={[{ name: 'batteryLevel', label: 'charge' }]}
      format={(value) => `${Math.round(value * 100)} %`}
    />
  );
}

interface ChartPanelProps extends Omit<TimeChartProps, 'summary'> {
  title: string;
  note?: string;
  absent?: string;
}

function ChartPanel({
  title,
  note,
  absent = 'Figures come every few seconds from a device that is online.',
  points,
  measures,
  format,
  ...chart
}: ChartPanelProps) {
  const isEmpty = points.every((point) => measures.every(({ name }) => typeof point[name] !== 'number'));
  return (
    <Panel title={title} {...(note === undefined ? {} : { note })}>
      {isEmpty ? (
        <EmptyState title="Nothing in this range">{absent}</EmptyState>
      ) : (
        <TimeChart {...chart} {...{ points, measures, format }} summary={summaryOf(points, measures, format)} />
      )}
    </Panel>
  );
}

/** Latest, least and most of each measure, in words. */
function summaryOf(points: TimeChartProps['points'], measures: readonly Measure[], format: (value: number) => string): string {
  const parts = measures.map(({ name, label }) => {
    const values = points.map((point) => point[name]).filter((value): value is number => typeof value === 'number');
    if (values.length === 0) return `${label}: nothing`;
    return `${label}: latest ${format(values.at(-1) ?? 0)}, ${format(Math.min(...values))} to ${format(Math.max(...values))}`;
  });
  return `${parts.join('; ')}.`;
}
