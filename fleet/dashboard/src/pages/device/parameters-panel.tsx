import { Code, Text } from '@mantine/core';
import type { DeviceView, RunningParameter } from '@starling/shared';
import { Panel } from '../../parts/panel.tsx';
import { type RowColumn, RowTable } from '../../parts/row-table.tsx';

const words: Record<RunningParameter['by'], string> = {
  default: 'the pipeline, by default',
  release: 'the release',
  device: 'this device',
};

const columns: RowColumn<RunningParameter>[] = [
  { title: 'Pipeline', cell: ({ pipeline }) => pipeline },
  { title: 'Parameter', cell: ({ name }) => name, fw: 600 },
  { title: 'Value', cell: ({ value }) => <Code>{JSON.stringify(value)}</Code>, isLong: true },
  { title: 'Set by', cell: ({ by }) => words[by] },
];

/** Values that its pipelines run with, and who has set each. */
export function ParametersPanel({ device }: { device: DeviceView }) {
  const parameters = device.reported?.running?.parameters ?? [];
  if (parameters.length === 0) return null;
  return (
    <Panel
      title="Parameters"
      note={device.online ? 'Values that its pipelines run with.' : 'Values that its pipelines ran with when it was last heard.'}
    >
      <RowTable label="Parameters" rows={parameters} rowKey={({ pipeline, name }) => `${pipeline}:${name}`} columns={columns} />
      <Text size="sm" c="dimmed" mt="sm">
        A release sets values with <code>starling release create --set</code>. Values of one device are set on the device itself, with{' '}
        <code>starling-agent run --set</code>, where the parameter says <code>overridable: device</code>.
      </Text>
    </Panel>
  );
}
