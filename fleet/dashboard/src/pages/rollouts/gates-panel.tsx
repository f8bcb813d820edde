import { Group, Stack, Text, Title } from '@mantine/core';
import { analysisMeasures, formatMeasure, type MetricJudgement, type RolloutMetric } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { TimeChart } from '../../charts/time-chart.tsx';
import { read } from '../../data/queries.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag, type Tone } from '../../parts/tag.tsx';
import { inOrder, verdictOf } from './gate-order.ts';

const tones: Record<MetricJudgement['verdict'], Tone> = {
  successful: 'good',
  failed: 'bad',
  inconclusive: 'warn',
  running: 'busy',
  error: 'bad',
  'not-measured': 'idle',
};

/** Every objective of a rollout: what it is held to, how it stands, and how it came to that. */
export function GatesPanel({ rollout }: { rollout: string }) {
  const metrics = useQuery({ ...read('listRolloutMetrics', { params: { rollout } }), refetchInterval: 30_000 });
  return (
    <Panel title="Gates" note="Intervals hold at every look together, so a gate may be looked at as often as one likes.">
      <QueryView query={metrics} heightPx={160}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="Nothing was measured yet">Figures come with the first devices that run the new release.</EmptyState>
          ) : (
            <Stack gap="lg">
              {inOrder(items).map((metric) => (
                <Gate key={`${metric.step} ${metric.name}`} metric={metric} />
              ))}
            </Stack>
          )
        }
      </QueryView>
    </Panel>
  );
}

function Gate({ metric }: { metric: RolloutMetric }) {
  const { name, where, judgement, error, measuredAtMs } = metric;
  const verdict = verdictOf(metric);
  return (
    <section aria-label={name}>
      <Group justify="space-between" gap="xs">
        <Title order={3} size="h6">
          {name}
          {where !== undefined && (
            <Text span size="xs" c="dimmed" ml={8}>
              {where}
            </Text>
          )}
        </Title>
        <Group gap="sm">
          <Text size="xs" c="dimmed">
            <Moment atMs={measuredAtMs} />
          </Text>
          <Tag tone={tones[verdict]}>{verdict}</Tag>
        </Group>
      </Group>
      <Text size="sm">
        {judgement?.reason ?? error ?? 'it could not be measured'}
        {judgement?.gates === false && '. It is shown only: it stops nothing.'}
      </Text>
      {judgement !== null && <Figures judgement={judgement} />}
    </section>
  );
}

const others = { name: 'control', label: 'others', color: 'var(--measure-2)' };
const bounds = [
  { name: 'low', label: 'at least', color: 'var(--idle)' },
  { name: 'high', label: 'at most', color: 'var(--idle)' },
];

function Figures({ judgement: { candidate, control, limit, plot, measure } }: { judgement: MetricJudgement }) {
  const format = (value: number): string => formatMeasure(value, analysisMeasures[measure]).trim();
  const words = [
    `Limit: ${limit}.`,
    candidate === null ? '' : `New release: ${intervalWords(candidate, format)}, of ${candidate.devices} devices.`,
    control === null ? '' : `Others: ${intervalWords(control, format)}.`,
  ];
  const summary = words.filter((word) => word !== '').join(' ');
  if (plot.length < 2) {
    return (
      <Text size="sm" c="dimmed">
        {summary}
      </Text>
    );
  }
  return (
    <TimeChart
      kind="line"
      heightPx={160}
      points={plot.map(({ atMs, estimate, low, high, control: other }) => ({ atMs, estimate, low, high, control: other }))}
      measures={[
        ...(plot.some(({ control: other }) => other !== null) ? [others] : []),
        ...bounds,
        // Drawn last: what was measured lies over what it may be.
        { name: 'estimate', label: 'new release', color: 'var(--measure-1)' },
      ]}
      format={format}
      summary={summary}
    />
  );
}

function intervalWords({ estimate, low, high }: NonNullable<MetricJudgement['candidate']>, format: (value: number) => string): string {
  const word = (value: number | null): string => (value === null ? 'open' : format(value));
  return `${word(estimate)} (${word(low)} to ${word(high)})`;
}
