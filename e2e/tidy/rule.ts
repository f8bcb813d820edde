import type { SourceFile } from './source-file.ts';

export interface Finding {
  path: string;
  line: number;
  message: string;
  /** For rules that measure: what was measured, so that an exception can be a ceiling instead of a blank cheque. */
  size?: number;
}

export interface Rule {
  name: string;
  find: (files: readonly SourceFile[]) => Finding[];
}

/** One permitted breach of one rule in one file. */
export interface Exception {
  rule: string;
  path: string;
  /** For rules that measure: it may shrink, and then this number follows; it may not grow. */
  sizeMaximum?: number;
  reason: string;
}
