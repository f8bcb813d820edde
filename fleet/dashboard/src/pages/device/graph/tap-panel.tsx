import { Button, Group, NumberInput, Stack, Text, Title } from '@mantine/core';
import type { PlacementView, Release } from '@starling/shared';
import { IconEye, IconPlayerStop } from '@tabler/icons-react';
import { useState } from 'react';
import { bytesOf, counted, inWords, millisecondsOf } from '../../../format/quantity.ts';
import { useNowMs } from '../../../parts/moment.tsx';
import { ProblemAlert } from '../../../parts/problem-alert.tsx';
import { Tag } from '../../../parts/tag.tsx';
import { matchPicture } from './match-picture.ts';
import { PolicyRefusal } from './policy-refusal.tsx';
import { useTap } from './use-tap.ts';
import { ValueView } from './value-view.tsx';

const DURATION_MS = 120_000;

interface TapPanelProps {
  device: string;
  /** The port whose values are watched. */
  port: string;
  /** A port that gives the picture of the same item, over which is drawn what was found. */
  picture: string | undefined;
  release: Release;
  isVisible: boolean;
  /** Where the part of the edge runs, if not on the device itself. */
  place: PlacementView | undefined;
  /** Why no tap can be started now. */
  refusal: string | undefined;
}

/** The values of one edge of a running pipeline, as they come. */
export function TapPanel({ device, port, picture, release, isVisible, place, refusal }: TapPanelProps) {
  const tap = useTap(device);
  const [perSecond, setPerSecond] = useState(2);
  const isRunning = tap.state === 'starting' || tap.state === 'open';
  const shown = matchPicture(tap.values.get(port) ?? [], picture === undefined ? [] : (tap.values.get(picture) ?? []));
  if (!isVisible) return <PolicyRefusal {...{ port, release }} />;
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        Watch {port}
      </Title>
      {place !== undefined && (
        <Text size="sm" c="dimmed">
          {place.worker === null
            ? `Nobody runs ${place.place} for this device now.`
            : `Runs at ${place.place}, on ${place.worker.name}: what it shows is of this device's items alone.`}
        </Text>
      )}
      {refusal !== undefined && <Text size="sm">{refusal}</Text>}
      <Group gap="xs" align="flex-end">
        <NumberInput
          size="xs"
          w={130}
          label="Values a second"
          min={0.1}
          max={30}
          value={perSecond}
          disabled={isRunning}
          onChange={(value) => typeof value === 'number' && setPerSecond(value)}
        />
        {isRunning ? (
          <Button size="xs" variant="default" leftSection={<IconPlayerStop size={14} aria-hidden />} onClick={tap.stop}>
            Stop
          </Button>
        ) : (
          <Button
            size="xs"
            leftSection={<IconEye size={14} aria-hidden />}
            disabled={refusal !== undefined}
            onClick={() =>
              tap.start({ edges: picture === undefined ? [port] : [port, picture], maximumPerSecond: perSecond, durationMs: DURATION_MS })
            }
          >
            Watch
          </Button>
        )}
      </Group>
      {tap.error !== undefined && <ProblemAlert error={tap.error} title="Not watched" />}
      <TapState tap={tap} port={port} />
      {shown?.value.value !== undefined && (
        <div aria-live="off">
          <ValueView value={shown.value.value} label={port} picture={shown.picture} />
        </div>
      )}
    </Stack>
  );
}

const endWords: Readonly<Record<string, string>> = {
  expired: 'Its time is over.',
  stopped: 'Stopped.',
  'release-changed': 'Another release took over.',
  'host-ended': 'The engine of the device was started again.',
  'replay-done': 'Done.',
  'device-offline': 'The device went offline.',
  'no-viewer': 'Nobody watched.',
};

function TapState({ tap, port }: { tap: ReturnType<typeof useTap>; port: string }) {
  const nowMs = useNowMs();
  const { state, view, received, last } = tap;
  if (state === 'idle') return null;
  const left = view === undefined ? undefined : Math.max(0, view.untilMs - nowMs);
  const passedOver =
    last === undefined ? 0 : last.counts.skipped + last.counts.rate + last.counts.busy + last.counts.link + last.lost + last.behind;
  return (
    <Stack gap={4}>
      <Group gap="xs" role="status">
        <Tag tone={state === 'over' ? 'idle' : 'good'} isActive={state === 'open'}>
          {state === 'starting' ? 'starting' : state === 'open' ? 'live' : 'over'}
        </Tag>
        {state === 'over' && <Text size="sm">{endWords[last?.end ?? 'stopped']}</Text>}
        {state === 'open' && received === 0 && <Text size="sm">Waiting for a value of {port} …</Text>}
      </Group>
      <Text size="xs" c="dimmed">
        {counted(received)} received, {counted(passedOver)} passed over
        {last?.value !== undefined && `, ${inWords(bytesOf(JSON.stringify(last.value).length))} each`}
        {state === 'open' && left !== undefined && `, ends in ${inWords(millisecondsOf(Math.ceil(left / 1000) * 1000))}`}
      </Text>
    </Stack>
  );
}
