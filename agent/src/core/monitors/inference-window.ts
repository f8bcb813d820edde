import { addToHistogram, createHistogram, latencyEdgesMs, type TelemetryPayload } from '@starling/shared';

type InferenceRecord = TelemetryPayload<'inference'>;

/** Counts what a pipeline did in a window. */
export interface InferenceWindow {
  succeeded(latencyMs: number, nodesMs: Readonly<Record<string, number>>): void;
  failed(code: string): void;
  /** Ends the window. @param dropped items that the queue has dropped in it */
  end(startMs: number, lengthMs: number, dropped: number): InferenceRecord | undefined;
}

export function createInferenceWindow(pipeline: string, release: string): InferenceWindow {
  let latencyMs = createHistogram(latencyEdgesMs);
  let failures: Record<string, number> = {};
  let nodes: Record<string, { runs: number; totalMs: number }> = {};
  let items = 0;
  return {
    succeeded(itemMs, nodesMs) {
      items += 1;
      addToHistogram(latencyMs, itemMs);
      for (const [node, spentMs] of Object.entries(nodesMs)) {
        const sofar = nodes[node] ?? { runs: 0, totalMs: 0 };
        nodes[node] = { runs: sofar.runs + 1, totalMs: sofar.totalMs + spentMs };
      }
    },
    failed(code) {
      items += 1;
      failures[code] = (failures[code] ?? 0) + 1;
    },
    end(startMs, lengthMs, dropped) {
      if (items === 0 && dropped === 0) return undefined;
      const record: InferenceRecord = { startMs, lengthMs, release, pipeline, items, dropped, failures, latencyMs, nodes };
      latencyMs = createHistogram(latencyEdgesMs);
      failures = {};
      nodes = {};
      items = 0;
      return record;
    },
  };
}
