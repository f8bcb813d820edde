import type { Rule } from '../rule.ts';
import { isTestCode } from '../source-file.ts';

/** The tree is the data flow: each module's surface opens with one line that says what goes in and what comes out. */
export const indexComment: Rule = {
  name: 'index-comment',
  find: (files) =>
    files
      .filter((file) => file.path.endsWith('/index.ts') && !isTestCode(file))
      .filter((file) => !/^(\/\*\*?[\s\S]*?\*\/|(\/\/[^\n]*\n)+)/.exec(file.text)?.[0].includes('->'))
      .map((file) => ({ path: file.path, line: 1, message: 'open with a comment of the form "in -> out"' })),
};
