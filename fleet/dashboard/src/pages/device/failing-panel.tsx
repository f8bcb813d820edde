import { Stack, Text } from '@mantine/core';
import type { DeviceView } from '@starling/shared';
import { counted } from '../../format/quantity.ts';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag } from '../../parts/tag.tsx';

/** Sources and sinks of the device that fail for as long as they do; nothing where none does. */
export function FailingPanel({ device: { online, reported, reportedAtMs } }: { device: DeviceView }) {
  const failing = reported?.failing ?? [];
  if (failing.length === 0) return null;
  return (
    <Panel
      title={online ? 'Fails now' : 'Failed when last heard'}
      note={
        <>
          Sources and sinks that are tried again and again; told <Moment atMs={reportedAtMs} />.
        </>
      }
    >
      <Stack gap="sm">
        {failing.map(({ node, code, message, sinceMs, attempts }) => (
          <div key={`${node} ${code}`}>
            <Tag tone={online ? 'bad' : 'idle'}>{node}</Tag>{' '}
            <Text span size="sm" c="dimmed">
              since <Moment atMs={sinceMs} />, {attempts === 1 ? 'tried once' : `tried ${counted(attempts)} times`} · {code}
            </Text>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {message}
            </Text>
          </div>
        ))}
      </Stack>
    </Panel>
  );
}
