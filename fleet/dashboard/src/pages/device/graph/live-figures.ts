import { type EdgeFigures, inferenceRecordSchema, type TelemetryRow } from '@starling/shared';
import type { z } from 'zod';
import { compact, counted, inWords, millisecondsOf, rateOf } from '../../../format/quantity.ts';
import type { DrawnGraph } from '../../../graph/drawn-graph.ts';
import type { Figures } from '../../../graph/flow-elements.ts';

export interface NodeFigures {
  runs: number;
  totalMs: number;
  failures: number;
  skips: number;
}

/** What a pipeline did over the last while, by node and by port. */
export interface LiveFigures {
  lengthMs: number;
  items: number;
  dropped: number;
  failures: number;
  nodes: ReadonlyMap<string, NodeFigures>;
  /** Port where edges start -> figures. `waiting` and `ageMs` are those of the newest window. */
  edges: ReadonlyMap<string, EdgeFigures>;
}

type Window = z.infer<typeof inferenceRecordSchema>;

/**
 * Adds up the newest windows of one pipeline of a release.
 * @param rows newest first, as the fleet lists them
 * @returns undefined where there is none
 */
export function sumWindows(
  rows: readonly TelemetryRow[],
  { release, pipeline }: Pick<Window, 'release' | 'pipeline'>,
  spanMs: number,
): LiveFigures | undefined {
  const windows = rows.flatMap(({ payload }): Window[] => {
    const { data } = inferenceRecordSchema.safeParse(payload);
    return data?.release === release && data.pipeline === pipeline ? [data] : [];
  });
  const endMs = Math.max(...windows.map(({ startMs, lengthMs }) => startMs + lengthMs));
  const recent = windows.filter(({ startMs, lengthMs }) => startMs + lengthMs > endMs - spanMs);
  if (recent.length === 0) return undefined;
  const nodes = new Map<string, NodeFigures>();
  const edges = new Map<string, EdgeFigures>();
  for (const window of recent) {
    for (const [name, { runs, totalMs, failures = 0, skips = 0 }] of Object.entries(window.nodes)) {
      const sum = nodes.get(name) ?? { runs: 0, totalMs: 0, failures: 0, skips: 0 };
      nodes.set(name, {
        ...{ runs: sum.runs + runs, totalMs: sum.totalMs + totalMs },
        ...{ failures: sum.failures + failures, skips: sum.skips + skips },
      });
    }
    for (const [port, figures] of Object.entries(window.edges ?? {})) {
      const newer = edges.get(port);
      if (newer === undefined) edges.set(port, figures);
      else {
        edges.set(port, {
          ...{ items: newer.items + figures.items, absent: newer.absent + figures.absent, dropped: newer.dropped + figures.dropped },
          ...{ waiting: newer.waiting, ageMs: newer.ageMs ?? figures.ageMs },
        });
      }
    }
  }
  const total = (pick: (window: Window) => number): number => recent.reduce((sum, window) => sum + pick(window), 0);
  return {
    lengthMs: total(({ lengthMs }) => lengthMs),
    items: total(({ items }) => items),
    dropped: total(({ dropped }) => dropped),
    failures: total(({ failures }) => Object.values(failures).reduce((sum, count) => sum + count, 0)),
    ...{ nodes, edges },
  };
}

/** A node that is drawn closed stands for all that is inside of it. */
function figuresOfNode({ nodes }: LiveFigures, id: string): NodeFigures | undefined {
  const own = nodes.get(id);
  if (own !== undefined) return own;
  const inside = [...nodes].filter(([name]) => name.startsWith(`${id}/`)).map(([, figures]) => figures);
  if (inside.length === 0) return undefined;
  return {
    runs: Math.max(...inside.map(({ runs }) => runs)),
    totalMs: inside.reduce((sum, { totalMs }) => sum + totalMs, 0),
    failures: inside.reduce((sum, { failures }) => sum + failures, 0),
    skips: Math.max(...inside.map(({ skips }) => skips)),
  };
}

/** The figures as they stand on the drawing. */
export function figuresFor(graph: DrawnGraph, live: LiveFigures): Figures {
  const allMs = timeOfAll(live);
  const nodes: [string, ReturnType<typeof nodeText>][] = graph.nodes.flatMap(({ id }) => {
    const figures = figuresOfNode(live, id);
    return figures === undefined ? [] : [[id, nodeText(figures, live.lengthMs, allMs)]];
  });
  const edges: [string, ReturnType<typeof edgeText>][] = graph.edges.flatMap(({ id, port, kind }) => {
    const figures = live.edges.get(port);
    return figures === undefined || kind === 'trigger' ? [] : [[id, edgeText(figures, live.lengthMs)]];
  });
  return { nodes: new Map(nodes), edges: new Map(edges) };
}

/**
 * What others run of the pipeline, beside what the device runs itself. What both know of, as what leaves a part, is told by the device: a
 * worker counts the items of all that it works for.
 * @param parts drawings of the figures of workers, by the name of each
 */
export function withParts(own: Figures, parts: readonly { worker: string; figures: Figures }[]): Figures {
  const nodes = new Map(parts.flatMap(({ worker, figures }) => [...figures.nodes].map(([id, each]) => [id, told(each, worker)] as const)));
  const edges = new Map(parts.flatMap(({ worker, figures }) => [...figures.edges].map(([id, each]) => [id, told(each, worker)] as const)));
  return { nodes: new Map([...nodes, ...own.nodes]), edges: new Map([...edges, ...own.edges]) };
}

function told<Figure extends { words: string }>(figure: Figure, worker: string): Figure {
  return { ...figure, words: `${figure.words}; on ${worker}, for all that it works for` };
}

function nodeText({ runs, totalMs, failures, skips }: NodeFigures, lengthMs: number, allMs: number) {
  const rate = inWords(rateOf(perSecond(runs, lengthMs)));
  const mean = runs === 0 ? 'no run' : inWords(millisecondsOf(totalMs / runs));
  const failed = failures === 0 ? '' : ` · ${counted(failures)} failed`;
  const words = [`${rate === '0 /s' ? 'no' : rate} runs`, `${mean} each`];
  if (failures > 0) words.push(`${counted(failures)} failed`);
  if (skips > 0) words.push(`skipped ${counted(skips)} times`);
  return { text: `${rate} · ${mean}${failed}`, words: words.join(', '), share: allMs === 0 ? 0 : totalMs / allMs, isFailing: failures > 0 };
}

function edgeText({ items, absent, dropped, waiting, ageMs }: EdgeFigures, lengthMs: number) {
  const rate = inWords(rateOf(perSecond(items, lengthMs)));
  const parts = [rate, ...(waiting > 0 ? [`${counted(waiting)} waiting`] : []), ...(dropped > 0 ? [`${counted(dropped)} dropped`] : [])];
  const words = [
    `${compact(perSecond(items, lengthMs))} values a second`,
    ...(absent > 0 ? [`absent ${counted(absent)} times`] : []),
    ...(waiting > 0 ? [`${counted(waiting)} waiting`] : []),
    ...(dropped > 0 ? [`${counted(dropped)} dropped`] : []),
    ...(ageMs === null ? [] : [`${inWords(millisecondsOf(ageMs))} old`]),
  ];
  const tone = dropped > 0 ? 'bad' : waiting > 0 ? 'warn' : items === 0 ? 'idle' : 'good';
  return { text: parts.join(' · '), words: words.join(', '), tone } as const;
}

function perSecond(count: number, lengthMs: number): number {
  return lengthMs === 0 ? 0 : (count * 1000) / lengthMs;
}

export interface LatencyShare extends NodeFigures {
  id: string;
  /** Time in this node for each item of the pipeline. */
  msPerItem: number;
  /** Of the time in all nodes; what runs inside of a node is in the time of that node. */
  share: number;
  runsPerSecond: number;
}

/** The nodes around one, outermost last: `a/b/c` stands in `a/b` and `a`. */
function aroundOf(id: string): string[] {
  const names = id.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}

/** Time in all nodes. A pipeline that runs as a whole tells its time, and so do the nodes inside of it: it counts once. */
function timeOfAll({ nodes }: LiveFigures): number {
  return [...nodes].reduce((sum, [id, { totalMs }]) => (aroundOf(id).some((outer) => nodes.has(outer)) ? sum : sum + totalMs), 0);
}

/**
 * Where the time of an item goes, in the order of its way. Of a pipeline that runs as a whole either the node is listed, where it is drawn
 * closed, or what is inside.
 */
export function latencyShares(order: readonly string[], live: LiveFigures): LatencyShare[] {
  const rank = new Map(order.map((id, index) => [id, index]));
  const allMs = timeOfAll(live);
  const isListed = (id: string): boolean =>
    rank.has(id) ||
    !(aroundOf(id).some((outer) => live.nodes.has(outer) && rank.has(outer)) || order.some((drawn) => aroundOf(drawn).includes(id)));
  return [...live.nodes]
    .filter(([id]) => isListed(id))
    .toSorted(([a], [b]) => (rank.get(a) ?? order.length) - (rank.get(b) ?? order.length))
    .map(([id, figures]) => ({
      ...{ id, ...figures, runsPerSecond: perSecond(figures.runs, live.lengthMs) },
      ...{ msPerItem: live.items === 0 ? 0 : figures.totalMs / live.items, share: allMs === 0 ? 0 : figures.totalMs / allMs },
    }));
}
