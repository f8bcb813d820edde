import type { Capabilities, Diagnostics } from '@starling/shared';
import type { Journal } from './journal/index.ts';
import type { Clock } from './ports/clock.ts';
import type { DeviceKey } from './ports/key-store.ts';
import type { Log } from './ports/log.ts';
import type { Sensors } from './ports/sensors.ts';

interface DiagnosticsPorts {
  key: DeviceKey;
  journal: Journal;
  sensors: Sensors;
  log: Log;
  clock: Clock;
  capabilities(): Promise<Capabilities>;
}

/** Everything about the device that may be told, at this moment. */
export async function gatherDiagnostics(
  lineCount: number,
  { key, journal, sensors, log, clock, capabilities }: DiagnosticsPorts,
  { agentVersion, bootId, status }: { agentVersion: string; bootId: string; status: Record<string, unknown> },
): Promise<Diagnostics> {
  const { desired, good, previousGood, failed, roots } = journal.state;
  return {
    kind: 'diagnostics',
    schemaVersion: 1,
    ...{ device: key.device, agentVersion, bootId },
    atMs: Math.max(0, Math.round(clock.wallMs())),
    uptimeMs: clock.monotonicMs(),
    capabilities: await capabilities(),
    status,
    journal: {
      desired: desired === null ? null : { epoch: desired.epoch, generation: desired.generation },
      good: good?.assignment.release ?? null,
      previousGood: previousGood?.assignment.release ?? null,
      failed,
      rootCount: roots.length,
    },
    sensors: { ...(await sensors.read()) },
    log: log.newest(lineCount),
  };
}
