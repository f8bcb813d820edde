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
export function PresenceTag({ device }: { device: Pick<DeviceView, 'status' | 'online' | 'closed'> }) {
  if (device.status === 'pending') return <Tag tone="warn">waits for approval</Tag>;
  if (device.status === 'revoked') return <Tag tone="bad">revoked</Tag>;
  return device.online ? <Tag tone="good">online</Tag> : <Tag tone="idle">{device.closed ? 'page closed' : 'offline'}</Tag>;
}

/** How far a device is with what it should run. Installed and running-and-verified are two things. */
export function PhaseTag({ device: { online, reported, desired } }: { device: Pick<DeviceView, 'online' | 'reported' | 'desired'> }) {
  if (reported === null) return <Tag tone="idle">{desired?.release ? 'not reported yet' : 'nothing assigned'}</Tag>;
  const { tone, word } = phases[reported.phase];
  // What it did when it was last heard is no news of what it does.
  if (!online && reported.phase === 'running') return <Tag tone="idle">ran when last seen</Tag>;
  if (!online && tone === 'busy') return <Tag tone="idle">{word} when last seen</Tag>;
  if (reported.phase === 'running' && reported.running?.verified === false) return <Tag tone="busy">running, on probation</Tag>;
  return (
    <Tag tone={tone} isActive={tone === 'busy'}>
      {word}
    </Tag>
  );
}
