import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Credentials } from '../credentials.ts';
import type { FailingList, Tell } from '../tell.ts';
import type { PushEndpoints } from './endpoints.ts';

/** What takes the items of sources: the release that runs. */
export interface SourceSink {
  /**
   * Resolves with the outputs when the item is done, rejects when it failed or was not taken. What a source gives faster than this
   * resolves is its own to drop or to hold back.
   */
  push(node: string, ports: Readonly<Record<string, unknown>>, at: PushedAt): Promise<unknown>;
}

export interface PushedAt {
  pipeline: string;
  /** Items of one stream follow each other. */
  stream: string;
  timeMs: number;
  /** Names the item, where whoever sends it has a name for it. */
  item?: string;
  /** The trace of whoever sends it. */
  traceparent?: string;
  signal?: AbortSignal;
}

export interface Source {
  /** Resolves when the source has come to its end by itself, as a file does. */
  readonly ended?: Promise<void>;
  close(): Promise<void>;
}

/** What a source of a pipeline is opened with. */
export interface SourceContext {
  pipeline: string;
  node: string;
  device: string;
  /** Gives an item. @param at without a stream, that of the node */
  push(ports: Readonly<Record<string, unknown>>, at?: Partial<PushedAt>): Promise<unknown>;
  clock: Clock;
  random: Random;
  log: Log;
  tell: Tell;
  failing?: FailingList | undefined;
  credentials: Credentials;
  endpoints: PushEndpoints;
}

export type OpenSource<Params> = (params: Params, context: SourceContext) => Source;
