import type { DeviceView, ReconcilePhase } from '@starling/shared';
import { Tag, type Tone } from './tag.tsx';

const phases: Record<ReconcilePhase, { tone: Tone; word: string }> = {
  idle: { tone: 'idle', word: 'nothing to run' },
  checking: { tone: 'busy', word: 'checking' },
  pulling: { tone: 'busy', word: 'pulling' },
  installed: { tone: 'busy', word: 'installed' },
  'self-testing': { tone: 'busy', word: 'self-testing' },
  probation: { tone: 'busy', word: 'on probation' },
  running: { tone: 'good', word: 'running, verified' },
  failed: { tone: 'bad', word: 'failed' },
};

/** Whether the fleet hears a device, or why it may not. */
export function PresenceTag({ device }: { device: Pick<DeviceView, 'status' | 'online'> }) {
  if (device.status === 'pending') return <Tag tone="warn">waits for approval</Tag>;
  if (device.status === 'revoked') return <Tag tone="bad">revoked</Tag>;
  return device.online ? <Tag tone="good">online</Tag> : <Tag tone="idle">offline</Tag>;
}

/** How far a device is with what it should run. Installed and running-and-verified are two things. */
export function PhaseTag({ device: { reported, desired } }: { device: Pick<DeviceView, 'reported' | 'desired'> }) {
  if (reported === null) return <Tag tone="idle">{desired?.release ? 'not reported yet' : 'nothing assigned'}</Tag>;
  const { tone, word } = phases[reported.phase];
  if (reported.phase === 'running' && reported.running?.verified === false) return <Tag tone="busy">running, on probation</Tag>;
  return (
    <Tag tone={tone} isActive={tone === 'busy'}>
      {word}
    </Tag>
  );
}
