import type { Capabilities } from '@starling/shared';
import type { BehaviourOptions } from './behaviour.ts';

/** What a simulated device has to know of a release to look as if it ran it. */
export interface ReleaseFacts {
  name: string;
  pipelines: string[];
  models: number;
}

/** What a process with devices is told. */
export interface WorkerOptions {
  baseUrl: string;
  authority: string | undefined;
  capabilities: Capabilities;
  /** From which all keys of this run are made, hexadecimal. */
  secret: string;
  behaviour: BehaviourOptions;
  telemetryMs: number;
  /** Connections that this process begins in a second. */
  startsPerSecond: number;
  devices: readonly { place: number; name: string; claimToken: string }[];
}

export type ToWorker =
  | { type: 'start'; options: WorkerOptions }
  | { type: 'release'; digest: string; facts: ReleaseFacts | null }
  | { type: 'stop' };

/** Sums over the devices of one process. */
export interface CrowdFigures {
  enrolled: number;
  connected: number;
  /** Devices that run and have verified what they should. */
  running: number;
  failed: number;
  recordsSent: number;
  recordsAcknowledged: number;
  commands: number;
  /** Why devices did not come in, by code. */
  problems: Record<string, number>;
}

export type FromWorker = { type: 'figures'; figures: CrowdFigures } | { type: 'release'; digest: string } | { type: 'stopped' };

export function noFigures(): CrowdFigures {
  return {
    ...{ enrolled: 0, connected: 0, running: 0, failed: 0, recordsSent: 0, recordsAcknowledged: 0, commands: 0 },
    problems: {},
  };
}

export function addFigures(left: CrowdFigures, right: CrowdFigures): CrowdFigures {
  const problems = { ...left.problems };
  for (const [code, count] of Object.entries(right.problems)) problems[code] = (problems[code] ?? 0) + count;
  return {
    enrolled: left.enrolled + right.enrolled,
    connected: left.connected + right.connected,
    running: left.running + right.running,
    failed: left.failed + right.failed,
    recordsSent: left.recordsSent + right.recordsSent,
    recordsAcknowledged: left.recordsAcknowledged + right.recordsAcknowledged,
    commands: left.commands + right.commands,
    problems,
  };
}
