/** Time and timers. The core has none of its own, so that tests can drive it and a wrong wall clock is one adapter's matter. */
export interface Clock {
  /** Milliseconds since some fixed moment of this process; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch by the machine's clock, right or wrong. */
  wallMs(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void;
}
