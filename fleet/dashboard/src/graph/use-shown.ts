import { useReactFlow } from '@xyflow/react';
import { type RefObject, useEffect, useRef } from 'react';
import type { Selection } from './flow-elements.ts';
import type { PlacedGraph } from './place-graph.ts';

/** Brings a node that was chosen elsewhere, in a list or by a replay, into sight. */
export function useShown(selection: Selection | undefined, { boxes }: PlacedGraph, room: RefObject<HTMLDivElement | null>): void {
  const { getViewport, setCenter } = useReactFlow();
  const id = selection?.kind === 'node' ? selection.id : undefined;
  const latest = useRef(boxes);
  useEffect(() => {
    latest.current = boxes;
  }, [boxes]);
  useEffect(() => {
    // Where it is when it is chosen: one that is moved is in sight already.
    const box = id === undefined ? undefined : latest.current.get(id);
    if (box === undefined || room.current === null) return;
    const { x, y, zoom } = getViewport();
    const [left, top] = [box.x * zoom + x, box.y * zoom + y];
    const isInSight =
      left >= 0 && top >= 0 && left + box.width * zoom <= room.current.clientWidth && top + box.height * zoom <= room.current.clientHeight;
    if (!isInSight) void setCenter(box.x + box.width / 2, box.y + box.height / 2, { zoom });
  }, [id, room, getViewport, setCenter]);
}
