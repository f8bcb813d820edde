import { INPUT_NODE, StarlingError } from '@starling/shared';
import type { Graph, GraphFigures, GraphObserver } from '../pipelines/index.ts';

/** The graphs of a pipeline's parts, one for each stream of each device, seen as one: what watches or counts need not tell them apart. */
export interface PartGraphs extends Graph {
  /** @param home whose items it runs */
  add(graph: Graph, home: string): void;
  remove(graph: Graph): void;
  /** Those of one device, those that are still to come too. */
  of(home: string): Pick<Graph, 'observe'>;
}

/**
 * @param ports of the parts themselves
 * @param countedElsewhere ports whose values the devices with the items count
 */
export function createPartGraphs(ports: readonly string[], countedElsewhere: ReadonlySet<string>, keepsState: boolean): PartGraphs {
  const graphs = new Map<Graph, string>();
  const observers = new Map<GraphObserver, { home: string | undefined; detach: Map<Graph, () => void> }>();
  const observe = (observer: GraphObserver, home: string | undefined): (() => void) => {
    const own = [...graphs].filter(([, each]) => home === undefined || each === home);
    observers.set(observer, { home, detach: new Map(own.map(([graph]) => [graph, graph.observe(observer)])) });
    return () => {
      for (const detach of observers.get(observer)?.detach.values() ?? []) detach();
      observers.delete(observer);
    };
  };
  let gone: GraphFigures = { nodes: {}, ports: {} };
  return {
    ports,
    roots: [],
    keepsState,
    get underWay() {
      return [...graphs.keys()].reduce((sum, { underWay }) => sum + underWay, 0);
    },
    add(graph, of) {
      graphs.set(graph, of);
      for (const [observer, { home, detach }] of observers)
        if (home === undefined || home === of) detach.set(graph, graph.observe(observer));
    },
    remove(graph) {
      if (!graphs.delete(graph)) return;
      for (const { detach } of observers.values()) {
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
    of: (home) => ({ observe: (observer) => observe(observer, home) }),
    observe: (observer) => observe(observer, undefined),
    takeFigures() {
      const { nodes, ports: counted } = sumOf([gone, ...[...graphs.keys()].map((graph) => graph.takeFigures())]);
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
