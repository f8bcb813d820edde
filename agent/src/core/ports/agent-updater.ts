/** What became of the update that a command asked for. */
export type UpdateOutcome =
  | { state: 'none' }
  /** The new agent runs, and has not proved itself yet. */
  | { state: 'trial' }
  | { state: 'done'; version: string; before: string | null }
  | { state: 'failed'; reason: string };

export interface AgentUpdate {
  /** The command that asked for it. */
  command: string;
  version: string;
  issuedAtMs: number;
  /** SHA-256 of the package. */
  digest: string;
  /** Where it lies, verified. */
  location: string;
  /** Whether a release runs now, and so has to run under the new agent too. */
  hasRelease: boolean;
  /** The package is unpacked, and needed no longer. */
  unpacked(): Promise<void>;
}

/** Puts one agent in the place of another, on runtimes where that can be done. */
export interface AgentUpdater {
  /** Such as `linux-x64`. */
  platform: string;
  /** Version is null for the agent that was installed by hand. */
  running(): Promise<{ version: string | null; issuedAtMs: number }>;
  outcome(command: string): Promise<UpdateOutcome>;
  /** Installs beside, and hands over. This process ends with it. @throws StarlingError `package-broken`, `disk-full` */
  install(update: AgentUpdate): Promise<never>;
}
