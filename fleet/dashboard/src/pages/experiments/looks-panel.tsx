import { SimpleGrid, Stack, Text, Title } from '@mantine/core';
import type { ExperimentDetail, ExperimentLook } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { TimeChart } from '../../charts/time-chart.tsx';
import { read } from '../../data/queries.ts';
import { compact } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { goalInterval, intervalWords, measureWords, percentWords } from './experiment-words.ts';

const LOOKS = 200;

/** How intervals closed, and where the items went, look by look. */
export function LooksPanel({ experiment }: { experiment: ExperimentDetail }) {
  const looks = useQuery({
    ...read('listExperimentLooks', { params: { id: experiment.id }, query: { limit: LOOKS } }),
    refetchInterval: 30_000,
  });
  return (
    <Panel title="Over time">
      <QueryView query={looks} heightPx={220}>
        {({ items }) =>
          items.length < 2 ? (
            <EmptyState title="Nothing to draw yet">Two looks make a line; the fleet looks every few seconds at first.</EmptyState>
          ) : (
            <Charts experiment={experiment} looks={items.toReversed()} />
          )
        }
      </QueryView>
    </Panel>
  );
}

function Charts({ experiment: { arms, measure, spec }, looks }: { experiment: ExperimentDetail; looks: readonly ExperimentLook[] }) {
  const isPercent = measure !== 'reward' || spec.goal.values === 'binary';
  const scale = (value: number | null): number | null => (value === null ? null : isPercent ? value * 100 : value);
  const format = (value: number): string => (isPercent ? `${compact(value)} %` : compact(value));
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 1, lg: Math.min(2, arms.length) }} spacing="md">
        {arms.map((arm, place) => (
          <section key={arm.release} aria-label={`${measureWords[measure]} of ${arm.name}`}>
            <Title order={3} size="h6">
              {arm.name}
            </Title>
            <TimeChart
              kind="line"
              heightPx={160}
              points={looks.map(({ atMs, arms: at }) => {
                const own = at[place];
                return { atMs, estimate: scale(own?.estimate ?? null), low: scale(own?.low ?? null), high: scale(own?.high ?? null) };
              })}
              measures={[
                { name: 'estimate', label: measureWords[measure] },
                { name: 'low', label: 'at least', color: 'var(--idle)' },
                { name: 'high', label: 'at most', color: 'var(--idle)' },
              ]}
              format={format}
              summary={`${measureWords[measure]} of ${arm.name}: ${intervalWords(goalInterval(arm, measure), isPercent)}.`}
            />
          </section>
        ))}
      </SimpleGrid>
      <section aria-label="Share of the items">
        <Title order={3} size="h6">
          Share of the items
        </Title>
        <TimeChart
          kind="line"
          heightPx={160}
          maximum={100}
          points={looks.map(({ atMs, arms: at }) => ({
            atMs,
            ...Object.fromEntries(at.map(({ share }, place) => [`arm${place}`, share * 100])),
          }))}
          measures={arms.map(({ name }, place) => ({ name: `arm${place}`, label: name }))}
          format={(value) => `${compact(value)} %`}
          summary={
            <Text span size="sm">
              {arms.map(({ name, share }) => `${name} ${percentWords(share)}`).join(', ')} now.
            </Text>
          }
        />
      </section>
    </Stack>
  );
}
