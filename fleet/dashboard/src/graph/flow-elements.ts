import { formatPortType } from '@starling/shared';
import type { Connection as FlowConnection, Edge as FlowEdge, Node as FlowNode } from '@xyflow/react';
import { canTell, type DrawnEdge, type DrawnGraph, type DrawnNode } from './drawn-graph.ts';
import { typeText } from './node-ports.ts';
import { kindWords } from './node-words.ts';
import type { PlacedGraph, Point } from './place-graph.ts';

/** What is chosen in the drawing. */
export interface Selection {
  kind: 'node' | 'edge';
  id: string;
}

/** Live figures as they stand on nodes and lines; `tone` colours a line that loses or holds up values. */
export interface Figures {
  nodes: ReadonlyMap<string, { text: string; words: string; share: number; isFailing: boolean }>;
  edges: ReadonlyMap<string, { text: string; words: string; tone: 'good' | 'warn' | 'bad' | 'idle' }>;
}

/** Node or edge -> what is wrong with it, in words. */
export interface Marks {
  nodes: ReadonlyMap<string, readonly string[]>;
  edges: ReadonlyMap<string, readonly string[]>;
}

export type CardData = {
  node: DrawnNode;
  figure: { text: string; words: string; share: number; isFailing: boolean } | undefined;
  hasFigures: boolean;
  problems: readonly string[];
  isEdited: boolean;
  isTriggered: boolean;
  onToggle: (() => void) | undefined;
};
export type GroupData = { id: string; name: string; onToggle: (() => void) | undefined };
export type LineData = {
  edge: DrawnEdge;
  way: readonly Point[];
  /** Its way is made of corners. */
  isSquare: boolean;
  figure: { text: string; words: string; tone: string } | undefined;
  problems: readonly string[];
};

export type CanvasNode = FlowNode<CardData, 'card'> | FlowNode<GroupData, 'group'>;
export type CanvasEdge = FlowEdge<LineData, 'line'>;

export const TRIGGER_HANDLE = 'trigger';
export const inputHandle = (port: string): string => `in ${port}`;
export const outputHandle = (port: string): string => `out ${port}`;

interface FlowOptions {
  selection: Selection | undefined;
  figures: Figures;
  hasFigures: boolean;
  marks: Marks;
  /** The node at which the tab key stops. */
  stop: string | undefined;
  isEdited: boolean;
  onToggle: ((id: string) => void) | undefined;
}

/** Nodes and lines as the canvas takes them, each with its words. */
export function toFlow(graph: DrawnGraph, placed: PlacedGraph, options: FlowOptions): { nodes: CanvasNode[]; edges: CanvasEdge[] } {
  const triggered = new Set(graph.edges.filter(({ kind }) => kind === 'trigger').map(({ to }) => to));
  const groups = graph.groups.flatMap(({ id, name }): CanvasNode[] => {
    const box = placed.groups.get(id);
    const toggle = options.onToggle === undefined ? undefined : () => options.onToggle?.(id);
    if (box === undefined) return [];
    return [
      {
        ...{ id: `group ${id}`, type: 'group', position: { x: box.x, y: box.y }, width: box.width, height: box.height, zIndex: -1 },
        ...{ selectable: false, focusable: false, draggable: false, data: { id, name, onToggle: toggle } },
      },
    ];
  });
  return {
    nodes: [...groups, ...graph.nodes.map((node) => toCard(node, graph, placed, options, triggered.has(node.id)))],
    edges: graph.edges.map((edge) => toLine(edge, placed, options)),
  };
}

function toCard(node: DrawnNode, graph: DrawnGraph, placed: PlacedGraph, options: FlowOptions, isTriggered: boolean): CanvasNode {
  const { selection, figures, hasFigures, marks, stop, isEdited, onToggle } = options;
  const { x = 0, y = 0, width = 0, height = 0 } = placed.boxes.get(node.id) ?? {};
  const [figure, problems] = [figures.nodes.get(node.id), marks.nodes.get(node.id) ?? []];
  return {
    ...{ id: node.id, type: 'card', position: { x, y }, width, height },
    selected: selection?.kind === 'node' && selection.id === node.id,
    // What is inside of an opened pipeline belongs to that pipeline.
    deletable: isEdited && node.group === undefined && node.kind !== 'input' && node.kind !== 'output',
    ariaLabel: wordsForNode(node, graph.edges, figure?.words, problems),
    domAttributes: { tabIndex: node.id === stop ? 0 : -1, ...dataNode(node.id) },
    data: {
      ...{ node, figure, hasFigures: hasFigures && canTell(node), problems, isEdited: isEdited && node.group === undefined, isTriggered },
      onToggle: node.canOpen && onToggle !== undefined ? () => onToggle(node.id) : undefined,
    },
  };
}

/** An attribute of our own, which the type of the library does not know. */
function dataNode(id: string): object {
  return { 'data-node': id };
}

function toLine(edge: DrawnEdge, placed: PlacedGraph, { selection, figures, marks, isEdited }: FlowOptions): CanvasEdge {
  const [figure, problems] = [figures.edges.get(edge.id), marks.edges.get(edge.id) ?? []];
  return {
    ...{ id: edge.id, type: 'line', source: edge.from, target: edge.to },
    sourceHandle: outputHandle(edge.fromPort),
    targetHandle: edge.kind === 'trigger' ? TRIGGER_HANDLE : inputHandle(edge.toPort),
    selected: selection?.kind === 'edge' && selection.id === edge.id,
    deletable: isEdited && edge.index !== undefined,
    ariaLabel: wordsForEdge(edge, figure?.words, problems),
    interactionWidth: 22,
    data: { edge, way: placed.ways.get(edge.id) ?? [], isSquare: placed.square?.has(edge.id) === true, figure, problems },
  };
}

/** Everything that the drawing of a node says. */
export function wordsForNode(node: DrawnNode, edges: readonly DrawnEdge[], figures = '', problems: readonly string[] = []): string {
  const from = edges.filter(({ to, kind }) => to === node.id && kind !== 'trigger').map((edge) => `${edge.toPort} from ${edge.from}`);
  const to = edges.filter(({ from: source }) => source === node.id).map((edge) => `${edge.fromPort} to ${edge.to}`);
  return [
    `${node.id}: ${kindWords[node.kind].toLowerCase()} ${node.kind === 'input' || node.kind === 'output' ? '' : node.what}`.trim(),
    ...node.badges.map(({ words }) => words),
    ...(from.length > 0 ? [`takes ${from.join(', ')}`] : []),
    ...(to.length > 0 ? [`gives ${to.join(', ')}`] : []),
    ...(figures === '' ? [] : [figures]),
    ...problems.map((problem) => `problem: ${problem}`),
  ].join('; ');
}

/** Everything that the drawing of a line says. */
export function wordsForEdge(edge: DrawnEdge, figures = '', problems: readonly string[] = []): string {
  const way =
    edge.kind === 'trigger'
      ? `${edge.from}.${edge.fromPort} triggers ${edge.to}`
      : `${edge.from}.${edge.fromPort} to ${edge.to}.${edge.toPort}`;
  return [way, ...detailsOfEdge(edge), ...(figures === '' ? [] : [figures]), ...problems.map((problem) => `problem: ${problem}`)].join(
    '; ',
  );
}

/** Type, queue, monitors and machines of a line. */
export function detailsOfEdge({
  type,
  queue,
  monitors,
  kind,
  cut,
}: Pick<DrawnEdge, 'type' | 'queue' | 'monitors' | 'kind' | 'cut'>): string[] {
  return [
    kind === 'error' ? 'failures' : type === undefined ? typeText(undefined) : formatPortType(type),
    ...(queue === undefined ? [] : [`queue of ${queue.length}, ${queue.policy}`]),
    ...(monitors.length === 0 ? [] : [`watched by ${monitors.join(', ')}`]),
    ...(cut === undefined ? [] : [`travels from ${cut.from} to ${cut.to}`]),
  ];
}

/** @returns undefined for a line that does not go from an output to an input */
export function fromHandle({ source, sourceHandle, target, targetHandle }: FlowConnection | CanvasEdge) {
  if (sourceHandle?.startsWith('out ') !== true || targetHandle?.startsWith('in ') !== true) return undefined;
  return { from: source, fromPort: sourceHandle.slice(4), to: target, toPort: targetHandle.slice(3) };
}

/** What the drawing as a whole shows. */
export function wordsForGraph(name: string, { nodes, edges }: DrawnGraph): string {
  return `Graph of ${name} with ${nodes.length} nodes and ${edges.length} edges, listed on this page`;
}
