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
  /** Devices pull what they are assigned. */
  pull?: boolean;
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
  /** Devices that are pulling now, and pulls of releases that were done. */
  pulling: number;
  pulled: number;
  /** Pulls that were begun again after they had failed, and those that are left until the device is told again. */
  pullsRetried: number;
  pullsGivenUp: number;
  pulledChunks: number;
  /** As they came: chunks and documents, compressed or not. */
  pulledBytes: number;
  /** Of files, raw: what is verified so far of what all pulls need. */
  verifiedBytes: number;
  wantedBytes: number;
  /** Chunks whose bytes were not those of their digest. */
  refusedChunks: number;
  /** Why devices did not come in, or pulls did not end, by code. */
  problems: Record<string, number>;
  /** What was last said with each of these codes. */
  reasons: Record<string, string>;
}

/** Counts that something went wrong with one device. */
export function countProblem({ problems, reasons }: Pick<CrowdFigures, 'problems' | 'reasons'>, code: string, reason: string): void {
  problems[code] = (problems[code] ?? 0) + 1;
  reasons[code] = reason;
}

export type FromWorker = { type: 'figures'; figures: CrowdFigures } | { type: 'release'; digest: string } | { type: 'stopped' };

type Counts = Omit<CrowdFigures, 'problems' | 'reasons'>;

const nothing: Counts = {
  ...{ enrolled: 0, connected: 0, running: 0, failed: 0, recordsSent: 0, recordsAcknowledged: 0, commands: 0 },
  ...{
    pulling: 0,
    pulled: 0,
    pullsRetried: 0,
    pullsGivenUp: 0,
    pulledChunks: 0,
    pulledBytes: 0,
    verifiedBytes: 0,
    wantedBytes: 0,
    refusedChunks: 0,
  },
};

export function noFigures(): CrowdFigures {
  return { ...nothing, problems: {}, reasons: {} };
}

export function addFigures(left: CrowdFigures, right: CrowdFigures): CrowdFigures {
  const problems = { ...left.problems };
  for (const [code, count] of Object.entries(right.problems)) problems[code] = (problems[code] ?? 0) + count;
  const sum: CrowdFigures = { ...left, problems, reasons: { ...left.reasons, ...right.reasons } };
  for (const name of Object.keys(nothing) as (keyof Counts)[]) sum[name] = left[name] + right[name];
  return sum;
}
