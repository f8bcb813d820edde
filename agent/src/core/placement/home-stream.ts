/**
 * The side of a cut edge where the item is. It numbers what it sends without gaps, and keeps each item until it is answered. Whatever
 * happens - a lost message, a lost connection, a worker that ends, another worker - is mended in one way: `open` says which number is the
 * lowest that is not settled, `ready` says which number is taken next, and everything from there on is sent again, in order.
 *
 *          run, worker there                ready
 *   idle -------------------> opening ----------------> open --+ answer, silence: open again, meanwhile it stays open
 *    ^                        |  ^ |                     |  ^--+
 *    |    offline, no worker  |  +-+ no answer: again    |
 *    +------------------------+--------------------------+ offline, refused, other worker
 */
import {
  encodePortValue,
  type HomeMessage,
  type ShownPart,
  STREAM_WINDOW_MAXIMUM,
  StarlingError,
  type StreamItem,
  type WorkerMessage,
} from '@starling/shared';
import type { ItemWindow, Values } from '../pipelines/index.ts';
import type { Clock } from '../ports/clock.ts';
import { encodeMessage } from './messages.ts';

/** Who runs a place for this device now, and the signed document that says so. */
export interface Peer {
  worker: string;
  grant: string;
}

export interface HomeStreamPorts {
  clock: Clock;
  /** Unique; a new stream starts with nothing kept at the worker. */
  session: string;
  about: { release: string; pipeline: string; part: string; place: string; isBeside: boolean };
  /** Undefined while nobody runs the place, or there is no connection. */
  peer(): Peer | undefined;
  /** In words, why there is no peer. */
  whyNoPeer(): string;
  send(to: string, message: Uint8Array): void;
  /** An item waits so long for a worker that is not heard. */
  patienceMs: number;
}

/** What of an item goes to the part. */
export interface ItemForPart extends Pick<StreamItem, 'stream' | 'sequence' | 'timeMs' | 'traceparent' | 'showBytes'> {
  /** By name of the input. */
  values: Values;
  signal: AbortSignal;
  /** Of a replay: what the edges of the part carried; comes before the answer. */
  onShown?: ((shown: ShownPart) => void) | undefined;
}

export interface HomeStream {
  /**
   * @returns values by port
   * @throws StarlingError with the code of the node that failed there; `place-unreachable`, `not-encodable`, `too-large`
   */
  run(item: ItemForPart): Promise<Record<string, unknown>>;
  receive(from: string, message: WorkerMessage): void;
  /** The connection or the worker is another. */
  peerChanged(): void;
  close(): void;
  readonly window: ItemWindow;
  readonly session: string;
}

interface Entry {
  /** Undefined once nobody waits for it: only its number is still told. */
  bytes: Uint8Array | undefined;
  sinceMs: number;
  onShown: ItemForPart['onShown'];
  resolve(values: Record<string, unknown>): void;
  reject(error: unknown): void;
}

const TICK_MS = 250;
/** Again, when `open` was not answered, or an open stream was silent for so long. */
const OPEN_AGAIN_MS = 1_000;
const SILENCE_MS = 2_000;
/** A worker that was not heard for so long, or for as long as an item waits, cannot be reached. It answers `open` whatever it computes. */
const UNHEARD_MS = { minimum: 3_000, maximum: 10_000 };
/** Tells that answers have come, if no item does so before. */
const SETTLED_MS = 500;

export function createHomeStream(ports: HomeStreamPorts): HomeStream {
  return new HomeStreamMachine(ports);
}

class HomeStreamMachine implements HomeStream {
  readonly #ports: HomeStreamPorts;
  /** By number, lowest first. */
  readonly #entries = new Map<number, Entry>();
  readonly #wider: (() => void)[] = [];
  readonly session: string;
  readonly window: ItemWindow;
  #state: 'idle' | 'opening' | 'open' = 'idle';
  #worker: string | undefined;
  #next = 0;
  #credits = STREAM_WINDOW_MAXIMUM;
  #openedMs = Number.NEGATIVE_INFINITY;
  /** Numbers below it had been sent when `open` was. */
  #openedBelow = 0;
  #heardMs = Number.NEGATIVE_INFINITY;
  #refusal: string | undefined;
  #cancelTick: (() => void) | undefined;
  #cancelSettled: (() => void) | undefined;

  constructor(ports: HomeStreamPorts) {
    this.#ports = ports;
    this.session = ports.session;
    const credits = (): number => this.#credits;
    this.window = {
      get size() {
        return credits();
      },
      onWider: (listener) => void this.#wider.push(listener),
    };
  }

  run({ signal, values, onShown, ...item }: ItemForPart): Promise<Record<string, unknown>> {
    signal.throwIfAborted();
    const number = this.#next;
    const encoded = Object.fromEntries(Object.entries(values).map(([port, value]) => [port, encodePortValue(value)]));
    const bytes = encodeMessage({ kind: 'item', session: this.session, settledBelow: this.#lowest(), number, ...item, values: encoded });
    this.#next += 1;
    return new Promise((resolve, reject) => {
      const abandon = (): void => this.#abandon(number, signal.reason);
      const done = (): void => signal.removeEventListener('abort', abandon);
      this.#entries.set(number, {
        ...{ bytes, sinceMs: this.#ports.clock.monotonicMs(), onShown },
        resolve(answer) {
          done();
          resolve(answer);
        },
        reject(error) {
          done();
          reject(error);
        },
      });
      signal.addEventListener('abort', abandon, { once: true });
      if (this.#state === 'open') this.#sendItem(bytes);
      if (this.#state === 'idle' || this.#isSilent()) this.#open();
      this.#keepTicking();
    });
  }

  receive(from: string, message: WorkerMessage): void {
    if (from !== this.#worker || message.session !== this.session || this.#state === 'idle') return;
    this.#heardMs = this.#ports.clock.monotonicMs();
    if (message.kind === 'refused') {
      this.#refusal = `${message.code}: ${message.message}`;
      this.#heardMs = Number.NEGATIVE_INFINITY;
      this.#state = 'opening';
      if (message.code === 'unknown-session') this.#open();
      return;
    }
    this.#refusal = undefined;
    if (message.kind === 'ready') this.#ready(message.next, message.hasGap);
    else this.#answered(message);
    if (message.credits > this.#credits) {
      this.#credits = message.credits;
      for (const listener of this.#wider) listener();
    } else this.#credits = message.credits;
  }

  #ready(next: number, hasGap: boolean): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'open';
    for (const [number, { bytes }] of this.#entries) if (bytes === undefined && number < next) this.#entries.delete(number);
    // What was sent after `open` is still on its way, and comes by itself.
    const below = wasOpen && !hasGap ? this.#openedBelow : this.#next;
    let skipped: { from: number; upTo: number } | undefined;
    const tellSkipped = (): void => {
      if (skipped !== undefined) this.#send({ kind: 'skip', session: this.session, settledBelow: this.#lowest(), ...skipped });
      skipped = undefined;
    };
    for (let number = next; number < below; number += 1) {
      const bytes = this.#entries.get(number)?.bytes;
      if (bytes === undefined) skipped = { from: skipped?.from ?? number, upTo: number };
      else {
        tellSkipped();
        this.#sendItem(bytes);
      }
    }
    tellSkipped();
  }

  #answered({ number, values, failure, shown }: Extract<WorkerMessage, { kind: 'answer' }>): void {
    const entry = this.#entries.get(number);
    if (entry === undefined) return;
    this.#entries.delete(number);
    this.#cancelSettled ??= this.#ports.clock.after(SETTLED_MS, () => {
      this.#cancelSettled = undefined;
      if (this.#state === 'open') this.#send({ kind: 'settled', session: this.session, settledBelow: this.#lowest() });
    });
    if (entry.bytes === undefined) return;
    if (shown !== undefined) entry.onShown?.(shown);
    if (failure === undefined) entry.resolve(values);
    else {
      const { code, message, field, hint } = failure;
      const details = { ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
      entry.reject(new StarlingError(code, message, details));
    }
  }

  peerChanged(): void {
    const peer = this.#ports.peer();
    if (peer !== undefined && peer.worker === this.#worker && this.#state !== 'idle') return;
    this.#state = 'idle';
    if (peer?.worker !== this.#worker) this.#heardMs = Number.NEGATIVE_INFINITY;
    if (this.#hasLive()) this.#open();
  }

  close(): void {
    this.#cancelTick?.();
    this.#cancelSettled?.();
    this.#send({ kind: 'close', session: this.session });
    this.#state = 'idle';
    for (const number of [...this.#entries.keys()]) this.#abandon(number, new StarlingError('cancelled', 'the pipeline is unloaded'));
  }

  /** Nobody waits for it any more. Its number has to be told all the same: the next one is taken after it. */
  #abandon(number: number, reason: unknown): void {
    const entry = this.#entries.get(number);
    if (entry?.bytes === undefined) return;
    entry.bytes = undefined;
    entry.reject(reason);
    if (this.#state === 'open')
      this.#send({ kind: 'skip', session: this.session, settledBelow: this.#lowest(), from: number, upTo: number });
  }

  #open(): void {
    const peer = this.#ports.peer();
    if (peer === undefined) {
      this.#state = 'idle';
      return;
    }
    if (peer.worker !== this.#worker) this.#state = 'opening';
    this.#worker = peer.worker;
    if (this.#state === 'idle') this.#state = 'opening';
    this.#openedMs = this.#ports.clock.monotonicMs();
    this.#openedBelow = this.#next;
    const { place: _place, ...about } = this.#ports.about;
    this.#send({ kind: 'open', session: this.session, first: this.#firstLive(), ...about, grant: peer.grant });
  }

  #keepTicking(): void {
    this.#cancelTick ??= this.#ports.clock.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      this.#tick(this.#ports.clock.monotonicMs());
      if (this.#hasLive()) this.#keepTicking();
    });
  }

  #tick(nowMs: number): void {
    const sinceHeardMs = nowMs - this.#heardMs;
    const unheardMs = Math.min(UNHEARD_MS.maximum, Math.max(UNHEARD_MS.minimum, this.#ports.patienceMs));
    const isReached = this.#state !== 'idle' && sinceHeardMs < unheardMs;
    if (!isReached) {
      for (const [number, { bytes, sinceMs }] of this.#entries)
        if (bytes !== undefined && nowMs - sinceMs >= this.#ports.patienceMs) this.#abandon(number, this.#unreachable());
    }
    if (!this.#hasLive()) return;
    if (this.#state === 'open' ? this.#isSilent() : nowMs - this.#openedMs >= OPEN_AGAIN_MS) this.#open();
  }

  #isSilent(): boolean {
    const nowMs = this.#ports.clock.monotonicMs();
    return this.#state === 'open' && Math.min(nowMs - this.#heardMs, nowMs - this.#openedMs) >= SILENCE_MS;
  }

  #unreachable(): StarlingError {
    const { place, part } = this.#ports.about;
    const why = this.#ports.peer() === undefined ? this.#ports.whyNoPeer() : (this.#refusal ?? 'it does not answer');
    const who = this.#worker === undefined ? '' : ` of device ${this.#worker}`;
    return new StarlingError('place-unreachable', `the part ${part} on ${place}${who} was not reached: ${why}`, { retryable: true });
  }

  #sendItem(bytes: Uint8Array): void {
    if (this.#worker === undefined || this.#ports.peer() === undefined) return;
    this.#ports.send(this.#worker, bytes);
  }

  #send(message: HomeMessage): void {
    if (this.#worker !== undefined && this.#ports.peer() !== undefined) this.#ports.send(this.#worker, encodeMessage(message));
  }

  #hasLive(): boolean {
    for (const { bytes } of this.#entries.values()) if (bytes !== undefined) return true;
    return false;
  }

  /** Everything below is settled. */
  #lowest(): number {
    return this.#entries.keys().next().value ?? this.#next;
  }

  /** Abandoned numbers at the front need not be told where a worker starts anew. */
  #firstLive(): number {
    for (const [number, { bytes }] of this.#entries) if (bytes !== undefined) return number;
    return this.#next;
  }
}
