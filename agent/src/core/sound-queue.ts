import type { Audio } from '@starling/shared';

export interface SoundQueueOptions {
  /** Takes one chunk; never rejects. The next one comes when this is done. */
  take(audio: Audio): Promise<unknown>;
  /** More sound than this does not wait: the oldest is left out, so that live sound is not ever later. Without it all waits. */
  waitingMsMaximum?: number;
  /** Sound is left out; told once, until all that waits is done. */
  onLate?(): void;
  /** A chunk was taken up, and then all were done. */
  onBusy?(isBusy: boolean): void;
}

/** Chunks of sound from something that does not wait for a pipeline, one after the other. */
export interface SoundQueue {
  push(audio: Audio): void;
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>;
  /** Gives nothing more on. */
  stop(): void;
}

export function createSoundQueue({ take, waitingMsMaximum = Number.POSITIVE_INFINITY, onLate, onBusy }: SoundQueueOptions): SoundQueue {
  const waiting: Audio[] = [];
  let waitingMs = 0;
  let working: Promise<void> | undefined;
  let isStopped = false;
  let isLate = false;
  const shift = (): Audio | undefined => {
    const audio = waiting.shift();
    if (audio !== undefined) waitingMs -= durationMs(audio);
    return audio;
  };
  const work = async (): Promise<void> => {
    onBusy?.(true);
    for (let audio = shift(); audio !== undefined && !isStopped; audio = shift()) await take(audio);
    isLate = false;
    working = undefined;
    onBusy?.(false);
  };
  return {
    push(audio) {
      waiting.push(audio);
      waitingMs += durationMs(audio);
      while (waitingMs > waitingMsMaximum && waiting.length > 1) {
        shift();
        if (!isLate) onLate?.();
        isLate = true;
      }
      working ??= work();
    },
    async idle() {
      await working;
    },
    stop() {
      isStopped = true;
    },
  };
}

function durationMs({ sampleRateHz, channels, samples }: Audio): number {
  return (samples.length * 1000) / (sampleRateHz * channels);
}
