import { experimentSpecSchema } from '@starling/shared';
import { readSpecFile, type SpecKind } from './spec-file.ts';

const kind: SpecKind<typeof experimentSpecSchema> = {
  schema: experimentSpecSchema,
  code: 'experiment-has-problems',
  hint: 'correct them from the top; docs/guides/experiments.md lists what an experiment may say',
  example: 'name: signs-duel',
};

/** Reads the experiment that a person wrote. @throws StarlingError `experiment-has-problems` with every one of them, and its place; `bad-file` */
export const readExperimentFile = (file: string) => readSpecFile(file, kind);
