/** What a process of connections is told, and what it answers once it is done. */
export type ToLoad =
  | { type: 'devices'; broker: string; authority: string | undefined; devices: readonly { id: string; password: string }[] }
  | { type: 'connect' }
  | { type: 'cut' }
  | { type: 'send'; seconds: number; batchesPerSecond: number; records: number; waitMs: number };

export interface FromLoad {
  type: 'done';
  problems?: Record<string, number>;
  /** From each batch to its acknowledgement. */
  delaysMs?: number[];
  /** Records since the start. */
  sent?: number;
  acknowledged?: number;
  connected?: number;
}
