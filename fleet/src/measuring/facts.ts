import type { ArtefactView, MeasurePlanItem, MeasuringSettings } from '@starling/shared';
import type { MeasuredBrief } from '../measurements/index.ts';

/** A model that devices of a profile are to run, or to measure because somebody asked for it, with everything that was built of it. */
export interface Subject {
  profile: string;
  model: MeasurePlanItem['model'];
  artefacts: readonly ArtefactView[];
  /** Devices of the profile that are to measure each artefact. */
  wanted: number;
  /** Who asked for it; null where it is of what devices are to run. */
  requestedBy: string | null;
}

/** A device that might measure. */
export interface PlanDevice {
  id: string;
  name: string;
  profile: string;
  isOnline: boolean;
  /** Runs what it should, and changes nothing at the moment. */
  isSettled: boolean;
  /** Somebody wants it left alone. */
  isSpared: boolean;
  /** Artefacts that it can run. */
  runnable: ReadonlySet<string>;
  /** Artefacts that lie on its disk. */
  held: ReadonlySet<string>;
}

/** The newest measurement of an artefact on a device. */
export type Measured = MeasuredBrief;

/**
 * What came of an artefact that a device was asked to measure. `measured`: the answer holds a record, which arrives as telemetry, too.
 * `busy`: it was not idle, or away. `failed`: it will hardly go better the next time.
 */
export type Outcome = 'open' | 'measured' | 'busy' | 'failed';

/** A command that had, or has, a device measure. */
export interface Asked {
  device: string;
  profile: string;
  issuedAtMs: number;
  isOpen: boolean;
  artefacts: readonly { artefact: string; outcome: Outcome }[];
}

export interface PlanInput {
  nowMs: number;
  settings: MeasuringSettings;
  subjects: readonly Subject[];
  /** In the order in which they are asked where nothing else decides. */
  devices: readonly PlanDevice[];
  measured: readonly Measured[];
  asked: readonly Asked[];
}

/** Does a measurement count: cool, new enough, and by the engine that the device has now? */
export function counts({ throttled, measuredAtMs, runtimeVersion, runtime }: Measured, nowMs: number, againMs: number): boolean {
  return !throttled && nowMs - measuredAtMs < againMs && isSameRuntime(runtimeVersion, runtime);
}

/** A record says `onnxruntime-node 1.30.0` where capabilities may say `1.30.0` alone. */
export function isSameRuntime(measured: string, now: string): boolean {
  return now === '' || measured === now || measured.split(' ').includes(now);
}
