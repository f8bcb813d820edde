import { INPUT_NODE, OUTPUT_NODE } from '@starling/shared';
import type { DrawnGraph } from '../../graph/drawn-graph.ts';
import type { Marks } from '../../graph/flow-elements.ts';
import type { DraftProblem } from './read-draft.ts';

/** Which nodes and lines the problems are about, by their fields. */
export function marksOf(problems: readonly Pick<DraftProblem, 'field' | 'message'>[], { edges }: Pick<DrawnGraph, 'edges'>): Marks {
  const marks = { nodes: new Map<string, string[]>(), edges: new Map<string, string[]>() };
  const add = (list: Map<string, string[]>, id: string, message: string): void => void list.set(id, [...(list.get(id) ?? []), message]);
  for (const { field, message } of problems) {
    const [part, name] = field.split('.');
    if (part === 'nodes' && name !== undefined) add(marks.nodes, name, message);
    else if (part === 'inputs') add(marks.nodes, INPUT_NODE, message);
    else if (part === 'outputs') add(marks.nodes, OUTPUT_NODE, message);
    else if (part === 'edges') for (const { id, index } of edges) if (String(index) === name) add(marks.edges, id, message);
  }
  return marks;
}
