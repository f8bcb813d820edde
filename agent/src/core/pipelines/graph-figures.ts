/** What nodes and edges did since it was last asked. */
export interface NodeFigures {
  runs: number;
  totalMs: number;
  failures: number;
  /** Items for which it did not run: an input stayed away. */
  skipped: number;
}

export interface PortFigures {
  /** Items that gave a value here. */
  items: number;
  /** Items that gave none. */
  absent: number;
  /** Values that the queues behind it let go. */
  dropped: number;
  /** Values that wait behind it now. */
  waiting: number;
  /** Sum of the ages of the items when the value came, in milliseconds. */
  totalAgeMs: number;
}

export interface GraphFigures {
  nodes: Record<string, NodeFigures>;
  /** By `node.port`. */
  ports: Record<string, PortFigures>;
}
