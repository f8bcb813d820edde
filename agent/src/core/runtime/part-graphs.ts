import { INPUT_NODE, StarlingError } from '@starling/shared';
import type { Graph, GraphFigures, GraphObserver } from '../pipelines/index.ts';

/** The graphs of a pipeline's parts, one for each stream of each device, seen as one: what watches or counts need not tell them apart. */
export interface PartGraphs extends Graph {
  add(graph: Graph): void;
  remove(graph: Graph): void;
}

/**
 * @param ports of the parts themselves
 * @param countedElsewhere ports whose values the devices with the items count
 */
export function createPartGraphs(ports: readonly string[], countedElsewhere: ReadonlySet<string>, keepsState: boolean): PartGraphs {
  const graphs = new Set<Graph>();
  const observers = new Map<GraphObserver, Map<Graph, () => void>>();
  let gone: GraphFigures = { nodes: {}, ports: {} };
  return {
    ports,
    roots: [],
    keepsState,
    get underWay() {
      return [...graphs].reduce((sum, { underWay }) => sum + underWay, 0);
    },
    add(graph) {
      graphs.add(graph);
      for (const [observer, detach] of observers) detach.set(graph, graph.observe(observer));
    },
    remove(graph) {
      if (!graphs.delete(graph)) return;
      for (const detach of observers.values()) {
        detach.get(graph)?.();
        detach.delete(graph);
      }
      gone = sumOf([gone, graph.takeFigures()]);
    },
    run: () =>
      Promise.reject(
        new StarlingError('worker-only', 'this device runs parts of the pipeline for others, and takes no items itself', {
          hint: 'send the item to a device that has the release and is no worker',
        }),
      ),
    observe(observer) {
      observers.set(observer, new Map([...graphs].map((graph) => [graph, graph.observe(observer)])));
      return () => {
        for (const detach of observers.get(observer)?.values() ?? []) detach();
        observers.delete(observer);
      };
    },
    takeFigures() {
      const { nodes, ports: counted } = sumOf([gone, ...[...graphs].map((graph) => graph.takeFigures())]);
      gone = { nodes: {}, ports: {} };
      const own = Object.entries(counted).filter(([port]) => !port.startsWith(`${INPUT_NODE}.`) && !countedElsewhere.has(port));
      return { nodes, ports: Object.fromEntries(own) };
    },
  };
}

function sumOf(all: readonly GraphFigures[]): GraphFigures {
  return { nodes: sumByName(all.map(({ nodes }) => nodes)), ports: sumByName(all.map(({ ports }) => ports)) };
}

function sumByName<Figures extends object>(all: readonly Readonly<Record<string, Figures>>[]): Record<string, Figures> {
  const sums: Record<string, Figures> = {};
  for (const [name, figures] of all.flatMap((each) => Object.entries(each))) {
    const before = sums[name] as Record<string, number> | undefined;
    const added = Object.entries(figures).map(([key, value]): [string, number] => [key, (before?.[key] ?? 0) + (value as number)]);
    sums[name] = Object.fromEntries(added) as Figures;
  }
  return sums;
}
