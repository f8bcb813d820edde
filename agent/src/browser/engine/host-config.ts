import type { HostRequest } from '../../core/hosting/index.ts';
import type { RawImage } from '../../core/ports/image-codec.ts';

/** How the last word of a host starts that has lost a provider: its next life does without. The processor is never lost. */
export const LOST: Readonly<Record<string, string>> = {
  webgpu: 'the GPU device was lost: ',
  webnn: 'the neural processor was lost: ',
};

/** The provider that the last word of a host says to be lost, and why. */
export function lostIn(lastWord: string): { provider: string; reason: string } | undefined {
  for (const [provider, words] of Object.entries(LOST)) {
    if (lastWord.startsWith(words)) return { provider, reason: lastWord.slice(words.length) };
  }
  return undefined;
}

/** What the control worker tells its runtime host at the start. */
export interface HostConfig {
  /** Name of the folder in which this agent keeps everything. */
  home: string;
  /** Execution providers that may be tried. */
  providers: readonly string[];
  /** Threads of one model run; 1 where memory cannot be shared. */
  threads: number;
}

/** What the control worker asks of its runtime host. */
export type WorkerRequest = HostRequest & {
  /** Pixels of the encoded image that an `infer` gives, where they are known already. */
  decoded?: RawImage | undefined;
};
