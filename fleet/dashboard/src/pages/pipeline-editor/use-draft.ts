import type { GraphContext, ModelPorts } from '@starling/shared';
import { operatorRegistry } from '@starling/shared';
import { useDeferredValue, useMemo, useState } from 'react';
import { type DrawnGraph, drawnGraphOf } from '../../graph/drawn-graph.ts';
import type { Marks } from '../../graph/flow-elements.ts';
import { marksOf } from './marks-of.ts';
import { type Draft, readDraft } from './read-draft.ts';

/**
 * What is written, read, checked and drawn; it follows the typing as fast as the machine can. While the text cannot be read, as between two
 * keys, the drawing stays as it was.
 */
export function useDraft(
  text: string,
  { models, isKnown }: { models: ReadonlyMap<string, ModelPorts>; isKnown: boolean },
  opened: ReadonlySet<string>,
): { draft: Draft; graph: DrawnGraph; marks: Marks } {
  const latest = useDeferredValue(text);
  const written = useMemo(() => {
    const context: GraphContext | undefined = isKnown ? { operators: operatorRegistry, models } : undefined;
    return readDraft(latest, context);
  }, [latest, models, isKnown]);
  const [lastRead, setLastRead] = useState(written);
  if (written.isRead && written !== lastRead) setLastRead(written);
  const draft = useMemo(
    () => (written.isRead ? written : { ...lastRead, pipeline: undefined, problems: written.problems, isRead: false }),
    [written, lastRead],
  );
  const graph = useMemo(() => drawnGraphOf(draft.graph, models, opened), [draft, models, opened]);
  const marks = useMemo(() => marksOf(draft.problems, graph), [draft, graph]);
  return { draft, graph, marks };
}
