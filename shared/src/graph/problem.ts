/** What may be wrong with a graph. Tests, editors and scripts compare the code, never the message. */
export type GraphProblemCode =
  | 'bad-port-type'
  | 'cycle'
  | 'duplicate-input'
  | 'invalid-expression'
  | 'invalid-join'
  | 'invalid-parameter'
  | 'invalid-params'
  | 'invalid-script'
  | 'invalid-placement'
  | 'missing-input'
  | 'missing-output'
  | 'no-list'
  | 'recursive-pipeline'
  | 'reserved-name'
  | 'too-large'
  | 'trigger-is-input'
  | 'type-mismatch'
  | 'unknown-model'
  | 'unknown-node'
  | 'unknown-operator'
  | 'unknown-parameter'
  | 'unknown-pipeline'
  | 'unknown-port'
  | 'unknown-sink'
  | 'unknown-source'
  | 'unreachable-node'
  | 'unreachable-output'
  | 'unused-input'
  | 'unused-node'
  | 'unused-parameter'
  | 'unused-pipeline';

export interface GraphProblem {
  code: GraphProblemCode;
  /** Path in the pipeline document, e.g. `edges.3.to`. */
  field: string;
  message: string;
  /** What to write instead, or where to look: none is without. */
  hint: string;
  /** The key below `field` that is wrong by its name. */
  key?: string;
  /** Characters of the text at `field` that it is about, where it is about a part of it. */
  range?: { start: number; end: number };
}
