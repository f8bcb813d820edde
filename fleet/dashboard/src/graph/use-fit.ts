import { useReactFlow } from '@xyflow/react';
import { type RefObject, useEffect, useRef } from 'react';
import type { PlacedGraph } from './place-graph.ts';

/** Below this letters cannot be read: rather the top of the graph than all of it. */
const READABLE = 0.85;
const MARGIN_PX = 14;

/** Shows the whole graph if it can be read then, else its top; again when its room or its layout changes. */
export function useFit({ boxes }: PlacedGraph): RefObject<HTMLDivElement | null> {
  const room = useRef<HTMLDivElement>(null);
  const { setViewport } = useReactFlow();
  useEffect(() => {
    const element = room.current;
    if (element === null) return;
    const show = (): void => {
      const { clientWidth, clientHeight } = element;
      if (clientWidth === 0) return;
      const right = Math.max(...[...boxes.values()].map(({ x, width }) => x + width), 1);
      const bottom = Math.max(...[...boxes.values()].map(({ y, height }) => y + height), 1);
      const [byWidth, byHeight] = [clientWidth / (right + MARGIN_PX), clientHeight / (bottom + MARGIN_PX)];
      const zoom = Math.min(1, Math.max(Math.min(byWidth, byHeight), Math.min(READABLE, byWidth * 1.25)));
      const fitsBelow = bottom * zoom < clientHeight;
      void setViewport({
        ...{ zoom, x: (clientWidth - right * zoom) / 2 },
        y: fitsBelow ? Math.max((clientHeight - bottom * zoom) / 2, 0) : MARGIN_PX / 2,
      });
    };
    const observer = new ResizeObserver(show);
    observer.observe(element);
    show();
    return () => observer.disconnect();
  }, [boxes, setViewport]);
  return room;
}
