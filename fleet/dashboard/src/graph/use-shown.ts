import { useReactFlow } from '@xyflow/react';
import { type RefObject, useEffect } from 'react';
import type { Selection } from './flow-elements.ts';
import type { PlacedGraph } from './place-graph.ts';

/** Brings a node that was chosen elsewhere, in a list or by a replay, into sight. */
export function useShown(selection: Selection | undefined, { boxes }: PlacedGraph, room: RefObject<HTMLDivElement | null>): void {
  const { getViewport, setCenter } = useReactFlow();
  const box = selection?.kind === 'node' ? boxes.get(selection.id) : undefined;
  useEffect(() => {
    if (box === undefined || room.current === null) return;
    const { x, y, zoom } = getViewport();
    const [left, top] = [box.x * zoom + x, box.y * zoom + y];
    const isInSight =
      left >= 0 && top >= 0 && left + box.width * zoom <= room.current.clientWidth && top + box.height * zoom <= room.current.clientHeight;
    if (!isInSight) void setCenter(box.x + box.width / 2, box.y + box.height / 2, { zoom });
  }, [box, room, getViewport, setCenter]);
}
