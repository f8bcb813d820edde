import type { Finding, Rule } from '../rule.ts';
import { isTypeScript } from '../source-file.ts';

const EMPTY_WORDS = /^(utils?|helpers?|common|misc|managers?)$/;
const FOLDERS_ALSO = /^(lib|libs|src-lib)$/;
const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*\.tsx?$/;

/** A file is named by the verb or noun inside: a drawer named "utils" says nothing and collects everything. */
export const fileNames: Rule = {
  name: 'file-names',
  find: (files) => files.filter(isTypeScript).flatMap((file) => check(file.path)),
};

function check(path: string): Finding[] {
  const parts = path.split('/');
  const name = parts.at(-1) ?? '';
  const stem = name.split('.')[0] ?? '';
  const words = [...parts.slice(0, -1), stem].flatMap((part) => part.split('-'));
  const empty = words.find((word) => EMPTY_WORDS.test(word)) ?? [...parts.slice(0, -1), stem].find((part) => FOLDERS_ALSO.test(part));
  if (empty !== undefined) return [{ path, line: 1, message: `"${empty}" says nothing: name the verb or noun inside` }];
  if (!FILE_NAME.test(name)) return [{ path, line: 1, message: 'file names are lower-case words with hyphens' }];
  return [];
}
