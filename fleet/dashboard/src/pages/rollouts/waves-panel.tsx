import { Group, Stack, Text, Title } from '@mantine/core';
import type { RolloutDetail, RolloutWave } from '@starling/shared';
import { duration } from '../../format/time.ts';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag, type Tone } from '../../parts/tag.tsx';
import { WaveBar } from './wave-bar.tsx';
import classes from './waves-panel.module.css';

const tones: Record<RolloutWave['state'], Tone> = { next: 'idle', active: 'busy', done: 'good', stopped: 'warn', skipped: 'idle' };
const words: Record<RolloutWave['state'], string> = {
  ...{ next: 'to come', active: 'now', done: 'done' },
  ...{ stopped: 'ended here', skipped: 'not reached' },
};

/** Every step from the first to the last, with what became of the devices that it started. */
export function WavesPanel({ rollout: { waves, spec } }: { rollout: RolloutDetail }) {
  return (
    <Panel
      title="Waves"
      note={`The next begins when ${spec.successPercent} % of those that have ended run it verified. Silent devices neither pass nor hold a wave.`}
    >
      <ol className={classes.waves}>
        {waves.map((wave) => (
          <Wave key={wave.step} wave={wave} />
        ))}
      </ol>
    </Panel>
  );
}

function Wave({ wave: { name, kind, state, counts, started, approvals, startedAtMs, finishedAtMs } }: { wave: RolloutWave }) {
  const moves = kind.startsWith('set');
  return (
    <li className={classes.wave} data-state={state} aria-current={state === 'active' ? 'step' : undefined}>
      <Group justify="space-between" gap="xs" mb={moves && started > 0 ? 6 : 0}>
        <Title order={3} size="h6">
          {name}
        </Title>
        <Group gap="sm">
          {startedAtMs !== null && (
            <Text size="xs" c="dimmed">
              <Moment atMs={startedAtMs} />
              {finishedAtMs !== null && `, took ${duration(finishedAtMs - startedAtMs)}`}
            </Text>
          )}
          <Tag tone={tones[state]} isActive={state === 'active'}>
            {words[state]}
          </Tag>
        </Group>
      </Group>
      {moves && started > 0 && <WaveBar counts={counts} />}
      {approvals.length > 0 && (
        <Stack gap={2}>
          {approvals.map(({ name: who, atMs }) => (
            <Text key={who} size="sm" c="dimmed">
              approved by {who}, <Moment atMs={atMs} />
            </Text>
          ))}
        </Stack>
      )}
    </li>
  );
}
