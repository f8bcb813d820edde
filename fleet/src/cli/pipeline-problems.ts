import { FileProblems } from './file-problems.ts';
import type { FileProblem } from './pipeline-file.ts';

const HINT = 'correct them from the top; docs/protocol/pipelines.md lists port types, operators and their parameters';

/** A pipeline file that has something wrong with it. */
export class PipelineFileProblems extends FileProblems {
  constructor(file: string, problems: readonly FileProblem[]) {
    super('pipeline-has-problems', file, problems, HINT);
  }
}
