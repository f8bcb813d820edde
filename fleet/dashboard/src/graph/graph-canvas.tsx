import '@xyflow/react/dist/base.css';
import { useComputedColorScheme } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import {
  Background,
  ControlButton,
  Controls,
  type EdgeChange,
  MiniMap,
  type NodeChange,
  Panel,
  ReactFlow,
  ReactFlowProvider,
} from '@xyflow/react';
import { type ReactNode, useMemo, useState } from 'react';
import type { DrawnGraph } from './drawn-graph.ts';
import { EdgeLine } from './edge-line.tsx';
import { type CanvasEdge, type CanvasNode, type Figures, fromHandle, type Marks, type Selection, toFlow } from './flow-elements.ts';
import { foldGraph, type Room } from './fold-graph.ts';
import classes from './graph-canvas.module.css';
import { GroupBox } from './group-box.tsx';
import { withMoved } from './moved-nodes.ts';
import { NodeCard } from './node-card.tsx';
import { placeGraph } from './place-graph.ts';
import { useArrowKeys } from './use-arrow-keys.ts';
import { useFit } from './use-fit.ts';
import { useMoved } from './use-moved.ts';
import { useRoom } from './use-room.ts';
import { useShown } from './use-shown.ts';

/** A line from an output to an input, as it was drawn by hand. */
export interface Connection {
  from: string;
  fromPort: string;
  to: string;
  toPort: string;
}

interface GraphCanvasProps {
  graph: DrawnGraph;
  /** The pipeline that is drawn: under its name it is kept where nodes were put by hand. */
  layout: string;
  /** Names the drawing for those who listen. */
  label: string;
  selection: Selection | undefined;
  onSelect: (selection: Selection | undefined) => void;
  /** Opens or closes an inner pipeline. */
  onToggle?: (id: string) => void;
  /** Live figures on nodes and lines. */
  figures?: Figures;
  /** What is wrong with nodes and lines. */
  marks?: Marks;
  editing?: {
    refusalOf: (connection: Connection) => string | undefined;
    onConnect: (connection: Connection) => void;
    onDelete: (selection: Selection) => void;
  };
  children?: ReactNode;
}

const nodeTypes = { card: NodeCard, group: GroupBox };
const edgeTypes = { line: EdgeLine };
const NO_FIGURES: Figures = { nodes: new Map(), edges: new Map() };
const NO_MARKS: Marks = { nodes: new Map(), edges: new Map() };
const words = {
  'node.a11yDescription.default': 'Arrow keys go from node to node, with Shift they move it. Enter shows what the node is.',
  'node.a11yDescription.keyboardDisabled': 'Arrow keys go from node to node, with Shift they move it. Enter shows what the node is.',
  'edge.a11yDescription.default': 'Enter shows what flows here.',
  'controls.ariaLabel': 'Size of the drawing',
  'controls.zoomIn.ariaLabel': 'Larger',
  'controls.zoomOut.ariaLabel': 'Smaller',
  'controls.fitView.ariaLabel': 'Show all',
  'minimap.ariaLabel': 'Small map of the graph',
};
/** The graph of a pipeline from top to bottom: one may look around in it, choose nodes and lines, and where it is written draw lines. */
export function GraphCanvas(props: GraphCanvasProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

function Canvas({ graph, layout, label, selection, onSelect, onToggle, figures, marks, editing, children }: GraphCanvasProps) {
  const scheme = useComputedColorScheme('light');
  const [hasFigures, isEdited] = [figures !== undefined, editing !== undefined];
  const { element, room } = useRoom();
  const { inOrder, laidOut, placed, move, reset } = usePlaced(graph, layout, { hasFigures, room });
  // One node is a stop of the tab key, the arrows lead to the others.
  const [stop, setStop] = useState<string>();
  const [refusal, setRefusal] = useState<string>();
  const { nodes, edges } = useMemo(
    () =>
      toFlow(graph, placed, {
        ...{ selection, figures: figures ?? NO_FIGURES, hasFigures, marks: marks ?? NO_MARKS },
        ...{ stop: stop ?? graph.nodes[0]?.id, isEdited, onToggle },
      }),
    [graph, placed, selection, figures, hasFigures, marks, stop, isEdited, onToggle],
  );
  // Not what was moved: the drawing would slip away under the hand.
  const { isFar, isNear } = useFit(laidOut, room);
  useShown(selection, placed, element);
  const onArrow = useArrowKeys(placed.boxes, inOrder, setStop, move);

  const change = (changes: readonly (NodeChange<CanvasNode> | EdgeChange<CanvasEdge>)[], kind: Selection['kind']): void => {
    const chosen = changes.find((each) => each.type === 'select' && each.selected);
    const left = changes.find((each) => each.type === 'select' && !each.selected);
    if (chosen?.type === 'select') onSelect({ kind, id: chosen.id });
    else if (left?.type === 'select' && selection?.kind === kind && selection.id === left.id) onSelect(undefined);
    for (const each of changes) if (each.type === 'position' && each.position !== undefined) move(each.id, each.position);
    const removed = changes.find((each) => each.type === 'remove');
    if (removed?.type === 'remove') editing?.onDelete({ kind, id: removed.id });
  };
  return (
    <div className={classes.canvas} ref={element} data-far={isFar || undefined} onKeyDownCapture={onArrow}>
      <ReactFlow<CanvasNode, CanvasEdge>
        {...{ nodes, edges, nodeTypes, edgeTypes, 'aria-label': label, ariaLabelConfig: words, colorMode: scheme }}
        {...{
          nodesDraggable: true,
          selectNodesOnDrag: false,
          nodeDragThreshold: 4,
          nodesConnectable: isEdited,
          zoomOnScroll: false,
          preventScrolling: false,
        }}
        {...{ minZoom: 0.15, maxZoom: 1.6, deleteKeyCode: isEdited ? ['Delete', 'Backspace'] : null }}
        {...{ selectionKeyCode: null, multiSelectionKeyCode: null, zoomOnDoubleClick: false, edgesReconnectable: false }}
        onNodesChange={(changes) => change(changes, 'node')}
        onEdgesChange={(changes) => change(changes, 'edge')}
        onPaneClick={() => onSelect(undefined)}
        isValidConnection={(line) => {
          const connection = fromHandle(line);
          const why = connection === undefined ? 'lines go from an output to an input' : editing?.refusalOf(connection);
          setRefusal(
            why === undefined || connection === undefined
              ? undefined
              : `${connection.from}.${connection.fromPort} → ${connection.to}.${connection.toPort}: ${why}`,
          );
          return why === undefined;
        }}
        onConnect={(line) => {
          const connection = fromHandle(line);
          if (connection !== undefined) editing?.onConnect(connection);
        }}
        onConnectEnd={() => setRefusal(undefined)}
      >
        <Background gap={22} size={1.2} />
        <Tools onReset={placed === laidOut ? undefined : reset} />
        {isNear && <SmallMap />}
        <Panel position="bottom-center" className={classes.refusal ?? ''} role="status">
          {refusal}
        </Panel>
        {children}
      </ReactFlow>
    </div>
  );
}

/** The layout of the program, folded for its room, and what became of it by hand. */
function usePlaced(graph: DrawnGraph, layout: string, { hasFigures, room }: { hasFigures: boolean; room: Room | undefined }) {
  const straight = useMemo(() => placeGraph(graph, { hasFigures }), [graph, hasFigures]);
  const laidOut = useMemo(() => (room === undefined ? straight : foldGraph(graph, straight, room)), [graph, straight, room]);
  const { moved, move, reset } = useMoved(layout);
  const placed = useMemo(() => withMoved(graph, laidOut, moved), [graph, laidOut, moved]);
  return { inOrder: straight.boxes, laidOut, placed, move, reset };
}

function SmallMap() {
  return (
    <MiniMap<CanvasNode>
      className={classes.map ?? ''}
      nodeClassName={(node) => (node.type === 'card' ? `map-${node.data.node.kind}` : 'map-group')}
    />
  );
}

function Tools({ onReset }: { onReset: (() => void) | undefined }) {
  return (
    <Controls showInteractive={false} position="top-right">
      {onReset !== undefined && (
        <ControlButton onClick={onReset} title="Lay out again" aria-label="Lay out again">
          <IconArrowBackUp aria-hidden style={{ fill: 'none' }} />
        </ControlButton>
      )}
    </Controls>
  );
}
