import type { Audio, InferenceResult, Problem } from '@starling/shared';
import type { HostFailure } from '../core/hosting/index.ts';
import type { AgentStatus } from '../core/index.ts';

/** What the page decides before an agent starts. */
export interface AgentConfig {
  /** Name of what this agent keeps in this browser: key, models, telemetry. */
  home: string;
  /** Where this browser reaches the fleet. */
  fleetUrl: string;
  /** Claim token, for a browser that is not enrolled yet. */
  token?: string | undefined;
  /** Execution providers that may be tried; all that run well here if not given. */
  providers?: readonly string[] | undefined;
  /** Threads of one model run; as many as run well here if not given. */
  threads?: number | undefined;
  /** A run that takes longer is taken for hung. */
  runTimeoutMs?: number | undefined;
  /** The page was closed, left or loaded again the last time, and not ended by the browser. */
  leftCleanly?: boolean | undefined;
}

/** How far an agent is, before it runs by itself and tells the rest in its status. */
export type AgentPhase = 'starting' | 'other-tab' | 'measuring' | 'enrolling' | 'running' | 'failed' | 'closed';

export interface KnownBefore {
  device: string;
  /** Digest of the release that ran last and well. */
  release: string | null;
}

export interface BrowserAgentStatus {
  phase: AgentPhase;
  /** An operator has to approve this device first. */
  pending: boolean;
  threads: number;
  /** What this browser has kept from before, told at once: it takes seconds until the agent says so itself. */
  known?: KnownBefore | undefined;
  /** The claim token that it was given is not whole, and was not needed: this browser is in already. */
  tokenIgnored?: boolean | undefined;
  /** Why models run on no GPU here, where that is known beforehand. */
  withoutGpu?: string | undefined;
  agent?: AgentStatus | undefined;
  problem?: Problem | undefined;
}

/** An input as the page has it. Frames and samples move to the other side. */
export type AgentInput = Uint8Array | VideoFrame | ImageBitmap | Audio;

export interface AgentCalls {
  start: [config: AgentConfig];
  infer: [input: AgentInput, source: string, isShown?: boolean];
  /** The browser has a network again. */
  networkBack: [];
  close: [];
}

export type AgentCallName = keyof AgentCalls;
export type AgentRequest = { [Name in AgentCallName]: { id: number; call: Name; arguments: AgentCalls[Name] } }[AgentCallName];

export type AgentEvent =
  | { type: 'status'; status: BrowserAgentStatus }
  | { type: 'result'; source: string; result: InferenceResult }
  /** What the input of a call decoded to. It moves to the page. */
  | { type: 'picture'; call: number; picture: ImageBitmap }
  | { type: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; line: string };

export type AgentReply =
  | { type: 'answer'; id: number; value: unknown }
  | { type: 'failure'; id: number; error: HostFailure }
  | { type: 'event'; event: AgentEvent };
