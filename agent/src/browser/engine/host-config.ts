/** How the last word of a host starts whose GPU is gone: its next life does without. */
export const GPU_LOST = 'the GPU device was lost: ';

/** What the control worker tells its runtime host at the start. */
export interface HostConfig {
  /** Name of the folder in which this agent keeps everything. */
  home: string;
  /** Execution providers that may be tried. */
  providers: readonly string[];
  /** Threads of one model run; 1 where memory cannot be shared. */
  threads: number;
}
