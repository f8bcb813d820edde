import { EDGE_FIGURES_MAXIMUM, type EdgeFigures, type TelemetryPayload } from '@starling/shared';
import type { GraphFigures, PortFigures } from '../pipelines/index.ts';

type InferenceRecord = TelemetryPayload<'inference'>;

/** What nodes and edges did in a window, as telemetry tells it. Of many ports those behind which most is dropped, waits or passes. */
export function describeFigures({ nodes, ports }: GraphFigures): Pick<InferenceRecord, 'nodes' | 'edges'> {
  const described: InferenceRecord['nodes'] = {};
  for (const [name, { runs, totalMs, failures, skipped }] of Object.entries(nodes)) {
    if (runs === 0 && failures === 0 && skipped === 0) continue;
    described[name] = { runs, totalMs, ...(failures > 0 ? { failures } : {}), ...(skipped > 0 ? { skips: skipped } : {}) };
  }
  const told = Object.entries(ports)
    .filter(([, port]) => port.items + port.absent + port.dropped + port.waiting > 0)
    .toSorted(([, a], [, b]) => b.dropped - a.dropped || b.waiting - a.waiting || b.items - a.items)
    .slice(0, EDGE_FIGURES_MAXIMUM);
  return { nodes: described, edges: Object.fromEntries(told.map(([port, figures]) => [port, edgeFigures(figures)])) };
}

function edgeFigures({ items, absent, dropped, waiting, totalAgeMs }: PortFigures): EdgeFigures {
  return { items, absent, dropped, waiting, ageMs: items === 0 ? null : totalAgeMs / items };
}
