import type { Assignment, ReportedState, TuneObjective } from '@starling/shared';
import type { Puller } from '../blobs/index.ts';
import type { GoodRelease, Journal } from '../journal/index.ts';
import type { Trust, UnderNewestRoot } from '../link/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Reload, RuntimeHost } from '../ports/runtime-host.ts';
import type { Tunings } from '../sessions/index.ts';
import type { ReleaseDocuments } from './documents.ts';
import type { Keeper } from './keeper.ts';
import { runsTheSame } from './plan.ts';
import type { NewVerdict, Verdicts } from './verdicts.ts';

/** What a device should run, with the settings that came with it. */
export interface Target {
  assignment: Assignment | null;
  profile: GoodRelease['profile'];
  telemetryWindowMs: number;
  epoch: number;
  generation: number;
}

/** Whether what is under way for the one is right for the other too: who else works for the device changes nothing of that. */
export function isSameTarget(left: Target, right: Target): boolean {
  return (
    runsTheSame(left.assignment, right.assignment) &&
    left.telemetryWindowMs === right.telemetryWindowMs &&
    JSON.stringify(left.profile) === JSON.stringify(right.profile)
  );
}

export interface Reconciler {
  /** Runs the last good release from the disk: the fleet is not needed for that. */
  resume(): Promise<void>;
  setTarget(target: Target): void;
  /** A session has started: what failed for lack of the fleet is tried again. */
  online(): void;
  hostCrashed(reason: string): void;
  reported(): ReportedState;
  /** The power model of this device, as the fleet last said. */
  profile(): GoodRelease['profile'];
  /** By what the fleet chose the artefacts, as far as it was said. */
  objective(): TuneObjective | undefined;
  /** The release of which an event speaks: the one on trial, else the one that runs. */
  concerned(): string | null;
  /** Models of the running release, with their artefacts. */
  running(): ReleaseDocuments | undefined;
  /** Whether it has loaded this, or has it loaded again by the host. @param key load key */
  holds(key: string): boolean;
  readonly keeper: Keeper;
  /** What was found out about an artefact elsewhere than in a plan. */
  note(verdict: NewVerdict): Promise<void>;
  /** A host that had ended loaded releases again. */
  hostReloaded(releases: readonly Reload[]): void;
  /** Ends what is under way. */
  close(): Promise<void>;
}

export interface ReconcilePorts {
  device: string;
  journal: Journal;
  store: BlobStore;
  puller: Puller;
  host: RuntimeHost;
  trust: Trust;
  underNewestRoot: UnderNewestRoot;
  clock: Clock;
  log: Log;
  verdicts: Verdicts;
  tunings: Tunings;
  /** Memory that models may take here now; null where they run elsewhere. */
  modelMemoryBytes(): Promise<number | null>;
  onReport(state: ReportedState): void;
  onEvent(level: 'info' | 'warning' | 'error', code: string, message: string, detail?: Record<string, unknown>): void;
}
