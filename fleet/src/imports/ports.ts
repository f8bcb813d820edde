export interface ImportPorts {
  nowMs(): number;
  signal: AbortSignal;
  sleep(ms: number): Promise<void>;
  /** @param file name of what is fetched now: a model may keep its data in others */
  onProgress(file: string, doneBytes: number, totalBytes: number | undefined): void;
  onRetry(reason: string, attempt: number): void;
  /** Address of the hub of `hf://`. */
  hub: URL;
  /** Token for the hub alone. */
  hubToken: string | undefined;
  /** What the file has to be, if it is known. */
  sha256: string | undefined;
  insecure: boolean;
}
