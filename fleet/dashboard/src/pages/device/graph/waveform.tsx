import { Button, Group, Text } from '@mantine/core';
import type { EdgeLeafView } from '@starling/shared';
import { IconPlayerPlay } from '@tabler/icons-react';
import { compact, inWords, millisecondsOf } from '../../../format/quantity.ts';
import { bytesOf64 } from './decode-value.ts';
import classes from './waveform.module.css';

type AudioView = Extract<EdgeLeafView, { kind: 'audio' }>;

/** A sound as its peaks, to be looked at and, as far as it was sent, heard. */
export function Waveform({ audio, label }: { audio: AudioView; label: string }) {
  const { sampleRateHz, channels, frames, rms, peaks, samples } = audio;
  const lengthMs = (frames / sampleRateHz) * 1000;
  const path = peaks.map(([low, high], index) => `M${index + 0.5} ${-high}V${-low}`).join('');
  const words = `${inWords(millisecondsOf(lengthMs))}, ${compact(sampleRateHz)} Hz, ${channels} ${channels === 1 ? 'channel' : 'channels'}, loudness ${compact(rms)}`;
  return (
    <div>
      <svg
        className={classes.wave}
        viewBox={`0 -1 ${Math.max(1, peaks.length)} 2`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${words}`}
      >
        <path d={path} vectorEffect="non-scaling-stroke" />
      </svg>
      <Group gap="xs" justify="space-between">
        <Text size="xs" c="dimmed">
          {words}
        </Text>
        {samples !== undefined && samples !== '' && (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconPlayerPlay size={12} aria-hidden />}
            onClick={() => play(audio, samples)}
          >
            Play
          </Button>
        )}
      </Group>
    </div>
  );
}

function play({ sampleRateHz, channels }: AudioView, samples: string): void {
  const bytes = bytesOf64(samples);
  const view = new DataView(bytes.buffer);
  const context = new AudioContext();
  const frames = Math.floor(bytes.length / 2 / channels);
  const buffer = context.createBuffer(channels, Math.max(1, frames), sampleRateHz);
  for (let channel = 0; channel < channels; channel += 1) {
    const into = buffer.getChannelData(channel);
    for (let frame = 0; frame < frames; frame += 1) into[frame] = view.getInt16((frame * channels + channel) * 2, true) / 32768;
  }
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.addEventListener('ended', () => void context.close());
  source.start();
}
