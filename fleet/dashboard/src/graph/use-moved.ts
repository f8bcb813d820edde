import { useCallback, useEffect, useState } from 'react';
import { z } from 'zod';
import type { MovedNodes } from './moved-nodes.ts';
import type { Point } from './place-graph.ts';

const movedSchema = z.record(z.string().max(200), z.object({ x: z.number(), y: z.number() }));

/** Where nodes were put by hand, kept in this browser by the name of the drawing. */
export interface Moved {
  moved: MovedNodes;
  move: (id: string, to: Point) => void;
  /** Back to the layout of the program. */
  reset: () => void;
}

export function useMoved(layout: string): Moved {
  const key = `starling-layout ${layout}`;
  const [kept, setKept] = useState(() => ({ key, moved: read(key) }));
  // Another pipeline: what was moved in the one before says nothing about it.
  const moved = kept.key === key ? kept.moved : read(key);
  if (kept.key !== key) setKept({ key, moved });
  useEffect(() => write(key, moved), [key, moved]);
  const move = useCallback(
    (id: string, to: Point) =>
      setKept((before) => ({ ...before, moved: { ...before.moved, [id]: { x: Math.round(to.x), y: Math.round(to.y) } } })),
    [],
  );
  const reset = useCallback(() => setKept((before) => ({ ...before, moved: {} })), []);
  return { moved, move, reset };
}

function read(key: string): MovedNodes {
  try {
    return movedSchema.safeParse(JSON.parse(localStorage.getItem(key) ?? '{}')).data ?? {};
  } catch {
    return {};
  }
}

/** A browser that keeps nothing, or has no room, draws as it would without. */
function write(key: string, moved: MovedNodes): void {
  try {
    if (Object.keys(moved).length === 0) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(moved));
  } catch {
    // Nothing to be done: it lasts until the page is left.
  }
}
