import { Stack } from '@mantine/core';
import type { DeviceView, TelemetrySummary } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { bytesOf, counted, inWords, joulesOf, millisecondsOf, nothing, rateOf } from '../../format/quantity.ts';
import { FigureRow, FigureTile } from '../../parts/figure-tile.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { AssignmentPanel } from './assignment-panel.tsx';
import { FailingPanel } from './failing-panel.tsx';
import { LabelsPanel } from './labels-panel.tsx';
import { ParametersPanel } from './parameters-panel.tsx';
import { ReconcilePanel } from './reconcile-panel.tsx';
import { TryPanel } from './try-panel.tsx';

/** What the device does right now, and what one can do with it. */
export function NowTab({ device }: { device: DeviceView }) {
  const summary = useQuery(read('summariseTelemetry', { params: { id: device.id } }));
  return (
    <Stack gap="md">
      <QueryView query={summary} heightPx={100}>
        {(figures) => <Figures summary={figures} isBrowser={device.capabilities.browser !== undefined} />}
      </QueryView>
      <FailingPanel device={device} />
      <TryPanel device={device} />
      <ReconcilePanel device={device} />
      <LabelsPanel device={device} />
      <AssignmentPanel device={device} />
      <ParametersPanel device={device} />
    </Stack>
  );
}

function Figures({ summary, isBrowser }: { summary: TelemetrySummary; isBrowser: boolean }) {
  const { items, failures, latencyMsP50, latencyMsP95, latencyMsP99, energyMethod, drifted, delivery } = summary;
  return (
    <>
      {delivery.lost > 0 && (
        <ProblemAlert
          title="Telemetry was lost"
          error={`${counted(delivery.lost)} of ${counted(delivery.stored + delivery.lost)} records never arrived and were not declared as dropped.`}
        />
      )}
      <FigureRow>
        <FigureTile
          label="Throughput"
          value={items === 0 ? nothing : rateOf(summary.itemsPerSecond)}
          note={`${counted(items)} in the last hour`}
        />
        <FigureTile
          label="Latency, median"
          value={millisecondsOf(latencyMsP50)}
          note={
            <>
              <span className="unbroken">p95 {inWords(millisecondsOf(latencyMsP95))},</span>{' '}
              <span className="unbroken">p99 {inWords(millisecondsOf(latencyMsP99))}</span>
            </>
          }
        />
        <FigureTile label="Failures" value={{ figure: counted(failures), unit: '' }} note="in the last hour" />
        {!(isBrowser && summary.agentMemoryBytes === null) && (
          <FigureTile
            label="Memory of the agent"
            value={bytesOf(summary.agentMemoryBytes)}
            note={summary.agentMemoryBytes === null ? 'nothing reported' : 'resident, latest'}
          />
        )}
        <FigureTile label="Energy per inference" value={joulesOf(summary.joulesPerInference)} note={energyMethod ?? 'nothing reported'} />
        <FigureTile
          label="Drift"
          value={{ figure: drifted.length === 0 ? 'none' : counted(drifted.length), unit: drifted.length === 0 ? '' : 'moved' }}
          note={drifted.length === 0 ? 'no monitor has moved' : drifted.join(', ')}
        />
      </FigureRow>
    </>
  );
}
