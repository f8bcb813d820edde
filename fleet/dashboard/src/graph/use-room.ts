import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import type { Room } from './fold-graph.ts';

/** An element and the pixels that it has; undefined before it is measured, and while it is not shown. */
export function useRoom(): { element: RefObject<HTMLDivElement | null>; room: Room | undefined } {
  const element = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Room>();
  useLayoutEffect(() => {
    const measured = element.current;
    if (measured === null) return;
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = measured;
      if (width > 0) setRoom((before) => (before?.width === width && before.height === height ? before : { width, height }));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(measured);
    measure();
    return () => observer.disconnect();
  }, []);
  return { element, room };
}
