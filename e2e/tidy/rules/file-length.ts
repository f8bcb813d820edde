import type { Finding, Rule } from '../rule.ts';
import { isTypeScript } from '../source-file.ts';

export const FILE_LINES_MAXIMUM = 400;

/** A file is one idea; beyond this it is usually two. */
export const fileLength: Rule = {
  name: 'file-length',
  find: (files) =>
    files.filter(isTypeScript).flatMap((file): Finding[] => {
      const size = file.text.replace(/\n$/, '').split('\n').length;
      return size > FILE_LINES_MAXIMUM
        ? [{ path: file.path, line: 1, size, message: `${size} lines; ${FILE_LINES_MAXIMUM} is the most: split it by idea` }]
        : [];
    }),
};
