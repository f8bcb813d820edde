import { type KeyboardEvent, useCallback } from 'react';
import { type Box, type Direction, neighbourOf, type Point } from './place-graph.ts';

/** How far a node goes with one press, in pixels: the grid of the background. */
const STEP = 22;
const ways: Readonly<Record<Direction, Point>> = {
  ArrowUp: { x: 0, y: -STEP },
  ArrowDown: { x: 0, y: STEP },
  ArrowLeft: { x: -STEP, y: 0 },
  ArrowRight: { x: STEP, y: 0 },
};

/**
 * Arrow keys lead from node to node, with Shift they move the one that has the focus. For the way down to the node: the library would move
 * a chosen node by the arrows alone.
 * @param inOrder boxes before they were laid into columns: down leads along the flow, from the end of a column to the next
 */
export function useArrowKeys(
  boxes: ReadonlyMap<string, Box>,
  inOrder: ReadonlyMap<string, Box>,
  onReach: (id: string) => void,
  move: (id: string, to: Point) => void,
): (event: KeyboardEvent<HTMLElement>) => void {
  return useCallback(
    (event) => {
      const id = (event.target as HTMLElement).closest('[data-node]')?.getAttribute('data-node');
      const way = Object.hasOwn(ways, event.key) ? ways[event.key as Direction] : undefined;
      if (id == null || way === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      if (event.shiftKey) {
        const box = boxes.get(id);
        if (box !== undefined) move(id, { x: box.x + way.x, y: box.y + way.y });
        return;
      }
      const next = neighbourOf(inOrder, id, event.key as Direction) ?? neighbourOf(boxes, id, event.key as Direction);
      if (next === undefined) return;
      onReach(next);
      event.currentTarget.querySelector<HTMLElement>(`.react-flow__node[data-node="${CSS.escape(next)}"]`)?.focus();
    },
    [boxes, inOrder, onReach, move],
  );
}
