/** Gathers what an audio graph plays into chunks, in the thread of that graph, and sends them to the page. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new (options: {
    processorOptions: { chunkSamples: number };
  }) => AudioWorkletProcessor & {
    process(inputs: Float32Array[][]): boolean;
  },
): void;

class SoundGatherer extends AudioWorkletProcessor {
  readonly #chunkSamples: number;
  #chunk: Float32Array<ArrayBuffer>;
  #filled = 0;

  constructor({ processorOptions }: { processorOptions: { chunkSamples: number } }) {
    super();
    this.#chunkSamples = processorOptions.chunkSamples;
    this.#chunk = new Float32Array(this.#chunkSamples);
  }

  /** @returns true: it is not done while its input is silent */
  process([input]: Float32Array[][]): boolean {
    const samples = input?.[0];
    if (samples === undefined) return true;
    for (let at = 0; at < samples.length; ) {
      const taken = samples.subarray(at, at + this.#chunkSamples - this.#filled);
      this.#chunk.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
      if (this.#filled === this.#chunkSamples) this.#send();
    }
    return true;
  }

  #send(): void {
    this.port.postMessage(this.#chunk, [this.#chunk.buffer]);
    this.#chunk = new Float32Array(this.#chunkSamples);
    this.#filled = 0;
  }
}

registerProcessor('starling-sound', SoundGatherer);
