/** Source files -> every rule of style that a program can judge -> findings. */
import type { Rule } from '../rule.ts';
import { ambientSources } from './ambient-sources.ts';
import { bareErrors } from './bare-errors.ts';
import { environment } from './environment.ts';
import { fileLength } from './file-length.ts';
import { fileNames } from './file-names.ts';
import { functionLength } from './function-length.ts';
import { indexComment } from './index-comment.ts';
import { productWords } from './product-words.ts';
import { schemaIds } from './schema-ids.ts';
import { topicLiterals } from './topic-literals.ts';

export const rules: Rule[] = [
  fileLength,
  functionLength,
  fileNames,
  environment,
  ambientSources,
  bareErrors,
  topicLiterals,
  indexComment,
  schemaIds,
  productWords,
];
