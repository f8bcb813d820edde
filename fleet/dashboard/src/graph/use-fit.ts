import { useReactFlow, useStore } from '@xyflow/react';
import { useEffect, useMemo } from 'react';
import { extentOf, type Room, zoomToFit } from './fold-graph.ts';
import type { PlacedGraph } from './place-graph.ts';

/** Below this only the names of nodes can be read, in large letters. */
const FAR = 0.7;

/**
 * Shows the whole graph, in the middle of its room; again when its room or its layout changes.
 * @returns how far away the drawing is: `isFar` where small letters cannot be read, `isNear` where not all of it is in sight
 */
export function useFit(placed: PlacedGraph, room: Room | undefined): { isFar: boolean; isNear: boolean } {
  const { setViewport } = useReactFlow();
  const whole = useMemo(() => (room === undefined ? 1 : zoomToFit(placed, room)), [placed, room]);
  useEffect(() => {
    if (room === undefined) return;
    const { width, height } = extentOf(placed);
    void setViewport({ zoom: whole, x: (room.width - width * whole) / 2, y: Math.max((room.height - height * whole) / 2, 0) });
  }, [placed, room, whole, setViewport]);
  const isFar = useStore(({ transform }) => transform[2] < FAR);
  const isNear = useStore(({ transform }) => transform[2] > whole * 1.1);
  return { isFar, isNear };
}
