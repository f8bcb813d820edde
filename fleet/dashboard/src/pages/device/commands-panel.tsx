import { Button, Group, Menu, Table, Text } from '@mantine/core';
import { API_BASE, type CommandView, captureArchivePath, type DeviceView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read, useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { duration } from '../../format/time.ts';
import { commandTones, outcomeOf } from '../../parts/command-outcome.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Moment } from '../../parts/moment.tsx';
import { announce, announceProblem } from '../../parts/notice.ts';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { CaptureButton, EndCapture } from './capture-button.tsx';

const offered = [
  { name: 'ping', label: 'Ping' },
  { name: 'self-test', label: 'Self-test' },
  { name: 'benchmark', label: 'Benchmark' },
  { name: 'identify', label: 'Identify' },
  { name: 'diagnostics', label: 'Diagnostics' },
  { name: 'restart', label: 'Restart the runtime' },
] as const;

/** What the device was told to do, and what came of it. */
export function CommandsPanel({ device }: { device: DeviceView }) {
  const { may } = useSession();
  const commands = useQuery(read('listCommands', { params: { id: device.id }, query: { limit: 15 } }));
  const send = useChange('commandDevice', { makesOld: ['listCommands'], onDone: ({ name }) => announce(`${name} is on its way`) });
  return (
    <Panel
      title="Commands"
      note="Signed by the fleet, and worth nothing when their time is over."
      flush
      actions={
        may('operator') && (
          <Group gap="xs">
            {offered.map(({ name, label }) => (
              <Button
                key={name}
                size="xs"
                variant="default"
                disabled={!device.online || send.isPending}
                onClick={() => send.mutate({ params: { id: device.id }, body: { name } }, { onError: announceProblem })}
              >
                {label}
              </Button>
            ))}
            <CaptureButton device={device} />
            <ModelMenu
              models={Object.keys(device.reported?.running?.artefacts ?? {})}
              disabled={!device.online || send.isPending}
              onPick={(name, model) =>
                send.mutate({ params: { id: device.id }, body: { name, arguments: { model } } }, { onError: announceProblem })
              }
            />
          </Group>
        )
      }
    >
      <QueryView query={commands} heightPx={200}>
        {({ items }) => (items.length === 0 ? <EmptyState title="No command yet" /> : <CommandTable commands={items} />)}
      </QueryView>
    </Panel>
  );
}

interface ModelMenuProps {
  models: readonly string[];
  disabled: boolean;
  onPick(name: 'model-load' | 'model-unload', model: string): void;
}

/** Models of the running release, in and out of memory. */
function ModelMenu({ models, disabled, onPick }: ModelMenuProps) {
  if (models.length === 0) return null;
  return (
    <Menu>
      <Menu.Target>
        <Button size="xs" variant="default" disabled={disabled}>
          Models
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {models.flatMap((model) => [
          <Menu.Item key={`load ${model}`} onClick={() => onPick('model-load', model)}>
            Load {model}
          </Menu.Item>,
          <Menu.Item key={`free ${model}`} onClick={() => onPick('model-unload', model)}>
            Free {model}
          </Menu.Item>,
        ])}
      </Menu.Dropdown>
    </Menu>
  );
}

function CommandTable({ commands }: { commands: readonly CommandView[] }) {
  return (
    <WideTable label="Commands" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Command</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th>Result</Table.Th>
          <Table.Th>By</Table.Th>
          <Table.Th>Sent</Table.Th>
          <Table.Th>Took</Table.Th>
          <Table.Th />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {commands.map((command) => (
          <Table.Tr key={command.id}>
            <Table.Td fw={600}>{command.name}</Table.Td>
            <Table.Td>
              <Tag tone={commandTones[command.status]}>{command.status}</Tag>
            </Table.Td>
            <Table.Td maw={380} data-long>
              <Text size="sm" lineClamp={3}>
                {outcomeOf(command) || progressOf(command)}
              </Text>
            </Table.Td>
            <Table.Td>{command.issuer}</Table.Td>
            <Table.Td>
              <Moment atMs={command.issuedAtMs} />
            </Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>
              {command.finishedAtMs === null ? '–' : duration(command.finishedAtMs - command.issuedAtMs)}
            </Table.Td>
            <Table.Td>
              <CommandAction command={command} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

/** Where an open one stands. */
function progressOf({ finishedAtMs, progress }: CommandView): string {
  return finishedAtMs !== null || progress === undefined ? '' : `${counted(progress.done)} of ${counted(progress.total)} ${progress.what}`;
}

/** What may still be done about it: an open one ended, what it has brought taken. */
function CommandAction({ command: { id, name, device, finishedAtMs, status } }: { command: CommandView }) {
  const { may } = useSession();
  const cancel = useChange('cancelCommand', { makesOld: ['listCommands'], onDone: () => announce(`${name} is cancelled`) });
  if (!may('operator')) return null;
  if (finishedAtMs === null) {
    return (
      <Group gap={4} wrap="nowrap">
        {name === 'capture' && <EndCapture device={device} capture={id} />}
        <Button
          size="compact-xs"
          variant="subtle"
          aria-label={`Cancel ${name}`}
          disabled={cancel.isPending}
          onClick={() => cancel.mutate({ params: { id } }, { onError: announceProblem })}
        >
          Cancel
        </Button>
      </Group>
    );
  }
  if (status !== 'done') return null;
  if (name === 'diagnostics') return <Download href={`${API_BASE}/commands/${id}/diagnostics`} file={`${device}-diagnostics.json`} />;
  if (name === 'capture') return <Download href={`${API_BASE}${captureArchivePath(id)}`} file={`capture-${id}.zip`} />;
  return null;
}

function Download({ href, file }: { href: string; file: string }) {
  return (
    <Button size="compact-xs" variant="subtle" component="a" href={href} download={file}>
      Download
    </Button>
  );
}
