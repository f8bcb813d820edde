import type { Clock } from '../../core/ports/clock.ts';
import type { FileStore } from '../../core/ports/file-store.ts';
import type { RawImage } from '../../core/ports/image-codec.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Credentials } from '../credentials.ts';
import type { Closable } from '../kept-open.ts';
import type { FailingList, Tell } from '../tell.ts';

/** The item that a value belongs to. */
export interface SinkItem {
  stream: string;
  sequence: number;
  timeMs: number;
  traceId?: string;
  /** Names the result, for the feedback that comes back on it. */
  resultId?: string;
}

/** A sink that is open. Whatever goes wrong with what lies outside is told, and never the trouble of the pipeline. */
export interface Sink extends Closable {
  /** Resolves when the value is where it waits to be sent, or was written. */
  deliver(values: Readonly<Record<string, unknown>>, item: SinkItem): Promise<void>;
  /** Values that were not sent yet, of a sink in which any may wait. */
  waiting?(): number;
}

export interface SinkStore {
  files: FileStore;
  free(): void;
}

/** What every sink may use. */
export interface SinkPorts {
  device: string;
  clock: Clock;
  random: Random;
  tell: Tell;
  failing?: FailingList | undefined;
  credentials: Credentials;
  /**
   * Files of a node that are there when the agent starts again. Of two that want the same, as while a release is switched, the second
   * waits until the first has freed them.
   */
  storeOf(name: string): Promise<SinkStore>;
  /** Folder below which the sink `file` writes. */
  filesFolder: string;
  /** A picture file of pixels. */
  encode(image: RawImage): Promise<Uint8Array>;
}

/** One node of a pipeline. */
export interface SinkPlace {
  node: string;
  pipeline: string;
}

export type OpenSink<Params> = (params: Params, place: SinkPlace, ports: SinkPorts) => Sink;
