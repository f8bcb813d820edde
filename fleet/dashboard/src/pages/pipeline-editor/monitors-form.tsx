import { Select, Stack, Title } from '@mantine/core';
import { type Monitor, monitorSchema } from '@starling/shared';
import { useState } from 'react';
import { CommitNumber, CommitText } from './commit-fields.tsx';
import type { Edit } from './edit-document.ts';
import { EntryFrame } from './entry-frame.tsx';
import { NameAdder } from './name-adder.tsx';
import { readBins } from './read-bins.ts';

interface MonitorsFormProps {
  monitors: Readonly<Record<string, Monitor>>;
  /** Ports that can be watched. */
  outputs: readonly string[];
  onEdit: (...edits: Edit[]) => void;
}

const FIRST_BINS = [0.2, 0.4, 0.6, 0.8];

/** What is watched for drift: a measure of the values of a port, counted in bins. */
export function MonitorsForm({ monitors, outputs, onEdit }: MonitorsFormProps) {
  const [edge] = outputs;
  return (
    <Stack gap="xs">
      <Title order={4} size="h6">
        Monitors
      </Title>
      {Object.entries(monitors).map(([name, monitor]) => (
        <MonitorEntry key={name} {...{ name, monitor, outputs, onEdit }} />
      ))}
      {edge !== undefined && (
        <NameAdder
          word="monitor"
          taken={Object.keys(monitors)}
          onAdd={(name) => onEdit({ kind: 'set', path: ['monitors', name], value: { edge, measure: 'count', bins: FIRST_BINS } })}
        />
      )}
    </Stack>
  );
}

function MonitorEntry({ name, monitor, outputs, onEdit }: Omit<MonitorsFormProps, 'monitors'> & { name: string; monitor: Monitor }) {
  const [problem, setProblem] = useState<string>();
  const set = (key: string, value: unknown): void => onEdit({ kind: 'set', path: ['monitors', name, key], value });
  return (
    <EntryFrame word="monitor" name={name} onRemove={() => onEdit({ kind: 'set', path: ['monitors', name] })}>
      <Select
        size="xs"
        label="Port"
        searchable
        data={outputs.includes(monitor.edge) ? [...outputs] : [monitor.edge, ...outputs]}
        value={monitor.edge}
        allowDeselect={false}
        onChange={(value) => value !== null && set('edge', value)}
      />
      <Select
        size="xs"
        label="Measure"
        data={[...monitorSchema.shape.measure.options]}
        value={monitor.measure}
        allowDeselect={false}
        onChange={(value) => value !== null && set('measure', value)}
      />
      <CommitText
        label="Bins"
        description="Inner edges, ascending, separated by commas"
        value={monitor.bins.join(', ')}
        error={problem}
        onCommit={(text) => {
          const bins = readBins(text);
          setProblem(bins === undefined ? 'write 1 to 64 ascending numbers, such as 0.2, 0.5, 0.8' : undefined);
          if (bins === undefined) return;
          set('bins', bins);
          // Counts per bin of other bins say nothing.
          if (monitor.reference !== undefined && monitor.reference.length !== bins.length + 1) set('reference', undefined);
        }}
      />
      <CommitNumber
        label="Drifted above"
        description="Population stability index"
        min={0.01}
        step={0.05}
        value={monitor.psiThreshold}
        onCommit={(value) => set('psiThreshold', value === 0.25 ? undefined : value)}
      />
    </EntryFrame>
  );
}
